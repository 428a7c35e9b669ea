"""Reads declared settings from the environment and from `.env`.

A value is taken as it is written, or refused by the variable's name: nothing is expanded or guessed. No message repeats
a value, which may be a secret.
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from accounts.conf import Setting

Group = TypeVar("Group")

ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
LARGEST = 2**31 - 1
"""Fits every column and timer that stores a number; as seconds, 68 years."""

FOREIGN = re.compile(r"(?:DJANGO|LATCHKEY)_(\w{6,})")
"""Our variables with the prefix of other services. Kubernetes sets shorter ones, such as LATCHKEY_PORT."""
REGISTRATION = re.compile(r"(GOOGLE|APPLE|FACEBOOK|MICROSOFT|GITHUB)_(?:CLIENT|APP|SERVICES?)_?(ID|SECRET)S?")
OF_PROVIDER = re.compile(r"OPENID_\w+_(?:ISSUER|CLIENT_IDS?|CLIENT_SECRET)")
ALIKE = 0.87
"""As difflib measures it: one letter of five, two of ten."""


class Environment:
    """The values of declared settings."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.development = False
        """Whether the defaults of development count."""
        self.known: set[str] = set()
        """The variables read so far."""

    def read(self, group: type[Group], *, named: str = "", **given: Any) -> Group:
        """Build a dataclass from its settings.

        `given` holds its other fields, and computed defaults of settings. `named` stands for `<NAME>` in variables.
        """
        values = given.copy()
        for attribute, setting in declared(group).items():
            variable = setting.variable.replace("<NAME>", named)
            self.known.add(variable)
            if variable in self._values:
                values[attribute] = _parsed(variable, setting, self._values[variable])
            elif attribute not in given:
                in_development = self.development and setting.development is not None
                values[attribute] = setting.development if in_development else setting.default
        return group(**values)

    def prefixed(self, prefix: str) -> dict[str, str | bool]:
        """The variables that begin so, without the prefix: settings of another package, `true` and `false` as such."""
        found = {name: text for name, text in self._values.items() if name.startswith(prefix)}
        self.known.update(found)
        words = {"true": True, "false": False}
        return {name.removeprefix(prefix): words.get(text.lower(), text) for name, text in found.items()}

    def near_misses(self) -> dict[str, str]:
        """Variables that nothing reads, each with the one it probably means. Call it after all settings were read.

        If the probable one is set too, the other belongs to another program.
        """
        found = {}
        for name in self._values.keys() - self.known:
            meant = self._meant(name.upper())
            if meant is not None and (meant not in self._values or OF_PROVIDER.fullmatch(name)):
                found[name] = meant
        return found

    def _meant(self, name: str) -> str | None:
        if name in self.known:
            return name
        if (foreign := FOREIGN.fullmatch(name)) and foreign[1] in self.known:
            return foreign[1]
        if registration := REGISTRATION.fullmatch(name):
            provider, kind = registration.groups()
            for known in self.known:
                if re.fullmatch(rf"{provider}_(?:CLIENT|APP)_{kind}S?", known):
                    return known
        if close := difflib.get_close_matches(name, self.known, n=1, cutoff=ALIKE):
            return str(close[0])
        return "OPENID_PROVIDERS" if OF_PROVIDER.fullmatch(name) else None


def declared(group: type[Any]) -> dict[str, Setting]:
    """The settings of a dataclass, by field."""
    return {field.name: field.metadata["setting"] for field in fields(group) if "setting" in field.metadata}


def _parsed(variable: str, setting: Setting, text: str) -> Any:
    try:
        return _parse(setting, text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{variable} {error}") from None


def _parse(setting: Setting, text: str) -> Any:
    default = setting.default
    if setting.parse:
        return setting.parse(text)
    if isinstance(default, bool):
        return _switch(text)
    if isinstance(default, int):
        return _whole(text, setting)
    if isinstance(default, float):
        return _positive(text)
    if isinstance(default, tuple):
        return listed(text)
    if isinstance(default, StrEnum):
        return _choice(text, type(default))
    if default and not text:
        raise ValueError("is empty. Leave it out for its default.")
    return text


def listed(text: str) -> tuple[str, ...]:
    """The texts between commas, without blanks around them. Empty ones do not count."""
    return tuple(item for part in text.split(",") if (item := part.strip()))


def matching(pattern: str, refusal: str) -> Callable[[str], str]:
    """A parser of text that fits a pattern."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(refusal)
        return text

    return parse


def each(pattern: str, refusal: str, *, some: bool = False) -> Callable[[str], tuple[str, ...]]:
    """A parser of a list whose items fit a pattern, of at least one item if `some`."""

    def parse(text: str) -> tuple[str, ...]:
        items = listed(text)
        if (some and not items) or not all(re.fullmatch(pattern, item) for item in items):
            raise ValueError(refusal)
        return items

    return parse


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError("is neither true nor false.")
    return word in TRUE


def _whole(text: str, setting: Setting) -> int:
    minimum = -LARGEST if setting.minimum is None else setting.minimum
    maximum = LARGEST if setting.maximum is None else setting.maximum
    digits = re.fullmatch(r"[+-]?[0-9]{1,10}", text.strip())
    if digits is None or not minimum <= int(digits[0]) <= maximum:
        raise ValueError(f"is not a whole number from {minimum} to {maximum}.")
    return int(digits[0])


def _positive(text: str) -> float:
    number = float(text) if re.fullmatch(r"\s*[0-9]*\.?[0-9]+\s*", text) else math.nan
    if not 0 < number <= LARGEST:
        raise ValueError("is not a positive number, such as 2.5.")
    return number


def _choice(text: str, kind: type[StrEnum]) -> StrEnum:
    if text not in list(kind):
        raise ValueError(f"is none of: {', '.join(kind)}.")
    return kind(text)


def read_dotenv(path: Path, *, into: MutableMapping[str, str]) -> None:
    r"""Add a file's assignments to variables. Existing values win.

    A value is the rest of the line after `=`, without quotes around it. In double quotes, `\"` and `\\` stand for the
    second character. A quoted PEM key may span several lines.
    """
    try:
        # Reading as text would turn a carriage return within a value into a line end.
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"DOTENV: {path} is not UTF-8.") from None
    except OSError as error:
        raise ImproperlyConfigured(f"DOTENV: {path} cannot be read: {error.strerror}.") from None
    lines = [line.removesuffix("\r") for line in content.split("\n")]
    at = 0
    values: dict[str, str] = {}
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        assignment = ASSIGNMENT.fullmatch(line)
        if assignment is None or "\0" in line:
            raise ImproperlyConfigured(f"DOTENV: line {at} of {path} is not NAME=value.")
        name, value = assignment.groups()
        if re.match(r"""["']-----BEGIN """, value):
            while at < len(lines) and not value.rstrip().endswith(value[0]):
                value += f"\n{lines[at]}"
                at += 1
        values[name] = _unquoted(value)
    for name, value in values.items():
        into.setdefault(name, value)


def _unquoted(value: str) -> str:
    quoted = re.fullmatch(r"""(["'])(.*)\1[ \t]*""", value, re.DOTALL)
    if quoted is None:
        return value
    return re.sub(r'\\(["\\])', r"\1", quoted[2]) if quoted[1] == '"' else quoted[2]
