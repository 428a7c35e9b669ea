"""Read the file that declares OAuth clients: `manage.py provision` creates and updates them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from oauth2_provider.settings import oauth2_settings

from accounts.shared.toml_files import read_toml
from accounts.tokens.models import RefreshTokenTransport
from accounts.tokens.provisioning import CLIENT_ID, SECRET, SECRET_HASH, Kind, Wanted

SECRET_KEYS = ("secret_env", "secret_file", "secret_hash")
LEAST_CHARACTERS = 10
"""Different ones, of a secret."""


class BadFile(Exception):
    """The file cannot be used. `problems` has all of them, each with the key that causes it, and no secret."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def read(path: Path, environment: Mapping[str, str]) -> list[Wanted]:
    """The clients of the file, in its order. Secrets come from variables of `environment` and from files.

    Raises BadFile.
    """
    try:
        document = read_toml(path)
    except ValueError as error:
        raise BadFile(f"The file {error}") from None
    clients = document.pop("clients", {})
    problems = [f"{key}: unknown key; clients are tables such as [clients.web]." for key in document]
    if not isinstance(clients, dict):
        raise BadFile(*problems, "clients: must be a table.")
    wanted = []
    for client_id, table in clients.items():
        try:
            wanted.append(_client(client_id, table, beside=path.parent, environment=environment))
        except BadFile as error:
            problems += [f"clients.{client_id}{problem}" for problem in error.problems]
    if problems:
        raise BadFile(*problems)
    return wanted


def hash_of(secret: str) -> str:
    """The form in which a secret is stored, for `secret_hash`. Raises BadFile if it could be guessed."""
    if not SECRET.fullmatch(secret) or len(set(secret)) < LEAST_CHARACTERS:
        raise BadFile("A secret has at least 32 random characters, without blanks and accents.")
    return make_password(secret, hasher=oauth2_settings.CLIENT_SECRET_HASHER)


def _client(client_id: str, table: Any, *, beside: Path, environment: Mapping[str, str]) -> Wanted:
    if not isinstance(table, dict):
        raise BadFile(": must be a table.")
    if not CLIENT_ID.fullmatch(client_id):
        raise BadFile(": a client id has letters, digits and signs of ASCII, without blanks.")
    problems = [f".{key}: unknown key." for key in table if key not in {"type", *READERS, *SECRET_KEYS}]
    kind = table.get("type", Kind.PUBLIC)
    if kind not in list(Kind):
        problems.append(f".type: must be one of {', '.join(Kind)}.")
    else:
        problems += _misplaced_secrets(table, Kind(kind))
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            if key in READERS:
                values[key] = READERS[key](value)
            elif key in SECRET_KEYS:
                values["secret"] = _secret(key, value, beside=beside, environment=environment)
        except (BadFile, ValueError) as error:
            problems.append(f".{key}: {error}")
    if problems:
        raise BadFile(*problems)
    return Wanted(client_id=client_id, kind=Kind(kind), **values)


def _misplaced_secrets(table: Mapping[str, Any], kind: Kind) -> list[str]:
    given = [key for key in SECRET_KEYS if key in table]
    if kind is Kind.PUBLIC:
        return [f".{key}: a public client has no secret." for key in given]
    # Without one, a new client would get a secret that nobody is shown.
    return [] if len(given) == 1 else [f": takes one of {', '.join(SECRET_KEYS)}."]


def _secret(key: str, value: Any, *, beside: Path, environment: Mapping[str, str]) -> str:
    """The secret that a key names, or its hash. Raises ValueError, BadFile; neither repeats what could be a secret."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text.")
    if key == "secret_hash":
        if not SECRET_HASH.fullmatch(value):
            raise ValueError("is not a hash that manage.py provision --hash-secret prints.")
        return value
    if key == "secret_env":
        if value not in environment:
            raise ValueError("names a variable that is not set.")
        secret = environment[value]
    else:
        try:
            secret = (beside / value).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise ValueError("names a file that cannot be read.") from None
    hash_of(secret)
    return secret


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be a text.")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and len(item.split()) == 1 for item in value):
        raise ValueError("must be a list of texts without blanks.")
    return tuple(map(_text, value))


def _switch(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError("must be true or false.")
    return value


def _transport(value: Any) -> str:
    if value not in list(RefreshTokenTransport):
        raise ValueError(f"must be one of {', '.join(RefreshTokenTransport)}.")
    return str(value)


READERS: dict[str, Callable[[Any], Any]] = {
    "name": _text,
    "redirect_uris": _texts,
    "front_end_url": _text,
    "refresh_token_transport": _transport,
    "states_end_user": _switch,
}
"""Reads the value of a key that is a field of Wanted. Its ValueError says what is wrong."""
