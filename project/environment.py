"""Reads declared settings from the environment, from files that it names, and from `.env`.

A value is taken as it is written, or refused by the variable's name: nothing is expanded or guessed. No message repeats
a value, which may be a secret.
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Optional, TypeVar

from django.core.exceptions import ImproperlyConfigured

from accounts.conf import Setting

Group = TypeVar("Group")

ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
LARGEST = 2**31 - 1
"""Fits every column and timer that stores a number; as seconds, 68 years."""

IN_FILE = "_FILE"
"""`<NAME>_FILE` names a file with the value of `<NAME>`, as secrets of Docker and Kubernetes are."""
LARGEST_FILE = 64 * 1024

FOREIGN = re.compile(r"(?:DJANGO|LATCHKEY)_(\w{6,})")
"""Our variables with the prefix of other services. Kubernetes sets shorter ones, such as LATCHKEY_PORT."""
OURS = re.compile(r"LATCHKEY_\w+")
OF_KUBERNETES = re.compile(
    r"LATCHKEY_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes sets in every container for a service that is named latchkey."""
REGISTRATION = re.compile(r"(GOOGLE|APPLE|FACEBOOK|MICROSOFT|GITHUB)_(?:CLIENT|APP|SERVICES?)_?(ID|SECRET)S?")
OF_PROVIDER = re.compile(r"OPENID_\w+_(?:ISSUER|CLIENT_IDS?|CLIENT_SECRET)")
ALIKE = 0.87
"""As difflib measures it: one letter of five, two of ten."""


class Origin(StrEnum):
    """Where a value comes from."""

    ENVIRONMENT = "environment"
    DOTENV = ".env"
    FILE = "file"
    PROVIDERS_FILE = "PROVIDERS_FILE"
    DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The value of a setting that is in force, and where it comes from."""

    setting: Setting
    value: Any
    origin: Origin
    file: str = ""


class Environment:
    """The values of declared settings."""

    in_force: ClassVar[Optional["Environment"]] = None
    """That of the settings of this process, even of refused ones: `manage.py settings` shows them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.development = False
        """Whether the defaults of development count."""
        self.known: set[str] = set()
        """The variables read so far."""
        self.readings: dict[str, Reading] = {}
        """What was read, by variable."""
        self.origins: dict[str, Origin] = {}
        """Where variables come from that the environment did not set itself."""

    def read(self, group: type[Group], *, named: str = "", **given: Any) -> Group:
        """Build a dataclass from its settings.

        `given` holds its other fields, and computed defaults of settings. `named` stands for `<NAME>` in variables.
        """
        values = given.copy()
        for attribute, setting in declared(group).items():
            variable = setting.variable.replace("<NAME>", named)
            reading = self.look_up(variable, setting)
            if reading.origin is Origin.DEFAULT and attribute in given:
                reading = replace(reading, value=given[attribute])
            self.readings[variable] = reading
            values[attribute] = reading.value
        return group(**values)

    def look_up(self, variable: str, setting: Setting) -> Reading:
        """Read one setting. Raises ImproperlyConfigured."""
        self.known.add(variable)
        origin, text = self.origin_of(variable), self._text(variable)
        if text is None:
            in_development = self.development and setting.development is not None
            value = setting.development if in_development else setting.default
        else:
            value = _parsed(variable, setting, text)
        return Reading(setting=setting, value=value, origin=origin, file=self._values.get(variable + IN_FILE, ""))

    def origin_of(self, variable: str) -> Origin:
        """Where its value comes from."""
        if variable + IN_FILE in self._values:
            return Origin.FILE
        if variable not in self._values:
            return Origin.DEFAULT
        return self.origins.get(variable, Origin.ENVIRONMENT)

    def computed(self, variable: str, value: Any) -> None:
        """Record the default that the settings have derived from others, unless the variable is set."""
        if self.readings[variable].origin is Origin.DEFAULT:
            self.readings[variable] = replace(self.readings[variable], value=value)

    def sets(self, variable: str) -> bool:
        """Whether the variable, or a file with its value, is set."""
        return variable in self._values or variable + IN_FILE in self._values

    def prefixed(self, prefix: str) -> dict[str, str | bool]:
        """The variables that begin so, without the prefix: settings of another package, `true` and `false` as such."""
        names = {name.removesuffix(IN_FILE) for name in self._values if name.startswith(prefix)}
        self.known.update(names)
        words = {"true": True, "false": False}
        texts = {name.removeprefix(prefix): self._text(name) or "" for name in names}
        return {name: words.get(text.lower(), text) for name, text in texts.items()}

    def near_misses(self) -> dict[str, str]:
        """Variables that nothing reads, each with the one it probably means. Call it after all settings were read.

        If the probable one is set too, the other belongs to another program. A name that begins with LATCHKEY_ belongs
        to none: it is here even if it resembles none of ours, with an empty text.
        """
        found = {}
        for name in self._values.keys() - self.known - {known + IN_FILE for known in self.known}:
            whole = name.upper()
            meant, suffix = self._meant(whole), ""
            if meant is None and whole.endswith(IN_FILE):
                meant, suffix = self._meant(whole.removesuffix(IN_FILE)), IN_FILE
            if meant is not None and (not self.sets(meant) or OF_PROVIDER.fullmatch(whole.removesuffix(IN_FILE))):
                found[name] = meant + suffix
            elif meant is None and OURS.fullmatch(name) and not OF_KUBERNETES.fullmatch(name):
                found[name] = ""
        return found

    def _text(self, variable: str) -> str | None:
        """What is written for the variable, or in its file; None if neither is set. Raises ImproperlyConfigured."""
        path = self._values.get(variable + IN_FILE)
        if path is None:
            return self._values.get(variable)
        if variable in self._values:
            raise ImproperlyConfigured(f"{variable} and {variable}{IN_FILE} are both set. Set one of them.")
        try:
            with Path(path).open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
            text = content.decode()
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{variable}{IN_FILE} names a file that is not UTF-8.") from None
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or "its path is none"
            raise ImproperlyConfigured(f"{variable}{IN_FILE} names a file that cannot be read: {cause}.") from None
        if len(content) > LARGEST_FILE or "\0" in text:
            raise ImproperlyConfigured(f"{variable}{IN_FILE} names a file that holds no text of a setting.")
        # Editors and `echo` end the last line; a second line end belongs to the value.
        return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text

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
    return web_address(text) if default.startswith("https://") else text


def listed(text: str) -> tuple[str, ...]:
    """The texts between commas, without blanks around them. Empty ones do not count."""
    return tuple(item for part in text.split(",") if (item := part.strip()))


def web_address(text: str) -> str:
    """A URL of another service, without a query. Raises ValueError."""
    if not re.fullmatch(r"https?://[^\s/?#\x00-\x20\x7f]+(?:/[^\s?#\x00-\x20\x7f]*)?", text):
        raise ValueError("is not a URL without a query, such as https://accounts.example.com.")
    return text


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


def read_dotenv(path: Path, *, into: MutableMapping[str, str]) -> frozenset[str]:
    r"""Add a file's assignments to variables, and return the names of those added. Existing values win.

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
    # A value from the environment also wins over the file of a value, and the other way round.
    taken = {name.removesuffix(IN_FILE) for name in into}
    added = {name: value for name, value in values.items() if name.removesuffix(IN_FILE) not in taken}
    into.update(added)
    return frozenset(added)


def _unquoted(value: str) -> str:
    quoted = re.fullmatch(r"""(["'])(.*)\1[ \t]*""", value, re.DOTALL)
    if quoted is None:
        return value
    return re.sub(r'\\(["\\])', r"\1", quoted[2]) if quoted[1] == '"' else quoted[2]
