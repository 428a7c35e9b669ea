"""`manage.py settings`: the values in force, and where each comes from."""

import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand

from accounts import conf
from accounts.conf import Setting
from project import providers, variables
from project.environment import Environment, Reading, declared

HIDDEN = "(hidden)"
CREDENTIALS = re.compile(r"://.*@", re.DOTALL)
"""Up to the last `@`: a pasted password may hold any sign, and nothing of it is shown."""


class Command(BaseCommand):
    """Prints each setting; ends with 1 if one of them is refused."""

    help = (
        "Print the value in force of every setting and where it comes from: the environment, .env, a file or the"
        " default. Secrets are hidden. Run it when a setting seems to have no effect, or to attach it to a question."
        " It works when the settings are refused, too, and says which."
    )
    requires_system_checks = ()

    def __init__(self, *args: Any, refusal: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal = refusal
        """Why the settings are refused; empty if they are not."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Print them."""
        env = Environment.in_force
        if env is None:
            raise ImproperlyConfigured("DJANGO_SETTINGS_MODULE is not project.settings.")
        rows = [_row(env, variable, reading) for variable, reading in sorted(_readings(env).items())]
        rows += [{"name": name, "value": HIDDEN, "origin": env.origin_of(name)} for name in sorted(_of_others(env))]
        unread = env.near_misses()
        if options["json"]:
            answer = {"settings": rows, "unread": unread, "refusal": self.refusal}
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            self._print(rows, unread)
        if self.refusal:
            self.stderr.write(f"The service does not start: {self.refusal}")
            sys.exit(1)

    def _print(self, rows: list[dict[str, Any]], unread: dict[str, str]) -> None:
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            origin = f"{row['origin']} {row['file']}" if "file" in row else row["origin"]
            shown = f"refused: {row['error']}" if "error" in row else _written(row["value"])
            self.stdout.write(f"{row['name']:{width}}  {shown}  ({origin})")
        for name, meant in sorted(unread.items()):
            self.stdout.write(f"{name} is set but not used." + (f" Did you mean {meant}?" if meant else ""))


def _readings(env: Environment) -> dict[str, Reading | str]:
    """What was read, by variable, and what a refusal has kept from being read; or the message that refuses it."""
    found: dict[str, Reading | str] = {**env.readings}
    for setting in _declarations(variables, conf, providers):
        for variable in _names(setting, found):
            if variable not in found:
                try:
                    found[variable] = env.look_up(variable, setting)
                except ImproperlyConfigured as error:
                    found[variable] = str(error)
    return found


def _declarations(*modules: ModuleType) -> Iterator[Setting]:
    for module in modules:
        for group in vars(module).values():
            # isinstance() would load the lazy settings that are among them.
            if type(group) is type and is_dataclass(group):
                yield from declared(group).values()


def _names(setting: Setting, found: dict[str, Reading | str]) -> list[str]:
    """The variables of a setting: one for each OpenID provider, if it is theirs."""
    if "<NAME>" not in setting.variable:
        return [setting.variable]
    reading = found["OPENID_PROVIDERS"]
    names = () if isinstance(reading, str) else reading.value
    return [setting.variable.replace("<NAME>", providers.variable_of(name)) for name in names]


def _of_others(env: Environment) -> set[str]:
    """Variables that were read for other packages, and are not declared."""
    return {name for name in env.known - env.readings.keys() if name.startswith("ANYMAIL_")}


def _row(env: Environment, variable: str, reading: Reading | str) -> dict[str, Any]:
    if isinstance(reading, str):
        return {"name": variable, "error": reading, "origin": env.origin_of(variable)}
    file = {"file": reading.file} if reading.file else {}
    return {"name": variable, "value": _shown(reading), "origin": reading.origin, **file}


def _shown(reading: Reading) -> Any:
    """The value as JSON can hold it, without what is secret."""
    setting, value = reading.setting, reading.value
    if setting.secret:
        public = setting.public_part(value) if setting.public_part else ""
        return public or (HIDDEN if value else "")
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return [f"{name}={item or 'off'}" for name, item in value.items()]
    if isinstance(value, tuple | list):
        return [_without_credentials(item) for item in value]
    return _without_credentials(value)


def _without_credentials(value: object) -> str:
    return CREDENTIALS.sub("://", str(value))


def _written(value: Any) -> str:
    """As it is written in the environment, on one line."""
    text = ",".join(value) if isinstance(value, list) else json.dumps(value) if isinstance(value, bool) else str(value)
    return text if text.isprintable() else json.dumps(text)
