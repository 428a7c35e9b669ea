"""Reads PROVIDERS_FILE: a TOML file whose tables stand for the variables of identity providers.

`client_ids` in `[google]` is GOOGLE_CLIENT_IDS, and `issuer` in `[openid.keycloak]` is OPENID_KEYCLOAK_ISSUER. A key
with `_file` names a file that holds the value.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from accounts.shared.toml_files import read_toml
from project import providers
from project.environment import declared

OTHERS = "openid"
"""The table of the tables of other OpenID providers."""
FROM_FILE = "_file"
GROUPS = {
    "google": (providers.Google, providers.GoogleEndpoints),
    "apple": (providers.Apple,),
    "facebook": (providers.Facebook, providers.FacebookURLs),
    "microsoft": (providers.Microsoft,),
    "github": (providers.GitHub, providers.GitHubURLs),
}
"""The settings of each table."""


class ProvidersFile:
    """The settings of a file, by variable, and the keys that they come from."""

    def __init__(self, path: str) -> None:
        """Read the file; without a path there are no settings. Raises ImproperlyConfigured."""
        self.path = Path(path)
        self.values: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        if not path:
            return
        try:
            document = read_toml(self.path)
        except ValueError as error:
            raise ImproperlyConfigured(f"PROVIDERS_FILE: the file {error}") from None
        others = document.pop(OTHERS, {})
        for table, groups in GROUPS.items():
            if table in document:
                self._add(table, document.pop(table), _keys(groups, f"{table.upper()}_"))
        for unknown in document:
            raise self._refusal(unknown, f"is none of: {', '.join([*GROUPS, OTHERS])}.")
        if not isinstance(others, dict):
            raise self._refusal(OTHERS, "takes a table for each provider, such as [openid.keycloak].")
        for name, table in others.items():
            if not providers.NAME.fullmatch(name):
                raise self._refusal(f"{OTHERS}.{name}", "is no name of a-z, 0-9 and `-`, 32 at most.")
            variable = f"OPENID_{providers.variable_of(name)}_"
            self._add(f"{OTHERS}.{name}", table, _keys((providers.OpenID,), variable))
        if others:
            self.values["OPENID_PROVIDERS"] = ",".join(others)
            self._keys["OPENID_PROVIDERS"] = OTHERS

    @contextmanager
    def named_in_refusals(self, environment: Collection[str]) -> Iterator[None]:
        """Name the file's keys where an ImproperlyConfigured of the block names variables that come from it."""
        try:
            yield
        except ImproperlyConfigured as error:
            keys = {variable: key for variable, key in self._keys.items() if variable not in environment}
            text = re.sub(r"\w+", lambda word: keys.get(word[0], word[0]), str(error))
            if text == str(error):
                raise
            raise ImproperlyConfigured(f"PROVIDERS_FILE: {text}") from None

    def _add(self, table: str, settings: Any, keys: Mapping[str, str]) -> None:
        if not isinstance(settings, dict):
            raise self._refusal(table, "is no table.")
        self._keys |= {variable: f"{table}.{key}" for key, variable in keys.items()}
        for key, value in settings.items():
            name = f"{table}.{key}"
            variable = keys.get(key) or keys.get(key.removesuffix(FROM_FILE))
            if variable is None:
                raise self._refusal(name, f"is none of: {', '.join(keys)}.")
            if variable in self.values:
                raise self._refusal(name, f"is there with and without {FROM_FILE}.")
            self.values[variable] = self._text(name, value) if key in keys else self._content(name, value)

    def _text(self, name: str, value: Any) -> str:
        """The value as its variable is written."""
        if isinstance(value, list):
            if not all(isinstance(item, str) and item.strip() and "," not in item for item in value):
                raise self._refusal(name, "takes a list of texts without commas.")
            return ",".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, str | int):
            raise self._refusal(name, "takes a text, a list of texts, a whole number, true or false.")
        return str(value)

    def _content(self, name: str, value: Any) -> str:
        try:
            content: str = (self.path.parent / value).read_text(encoding="utf-8")
        except (OSError, TypeError, UnicodeDecodeError):
            raise self._refusal(name, "names a file that cannot be read.") from None
        return content.rstrip("\r\n")

    def _refusal(self, name: str, problem: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"PROVIDERS_FILE: {name} {problem}")


def _keys(groups: tuple[type[Any], ...], prefix: str) -> dict[str, str]:
    """The variable of each key of a table."""
    declarations = [setting for group in groups for setting in declared(group).values()]
    suffixes = [
        setting.variable.removeprefix("OPENID_<NAME>_").removeprefix(prefix).lower() for setting in declarations
    ]
    return {suffix: f"{prefix}{suffix.upper()}" for suffix in suffixes}
