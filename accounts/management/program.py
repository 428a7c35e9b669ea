"""Commands for programs: with `--json`, records on standard output, errors on standard error, and exit codes."""

import argparse
import json
import os
import pwd
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Any, Never

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection

from accounts.errors import AccountsError, NotFound
from accounts.guard import origin
from accounts.shared.keyset import Position

Record = dict[str, Any]
ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:/+-]{0,63}")
SURROGATE = re.compile("[\ud800-\udfff]")
"""How Python writes a byte that is not UTF-8. PostgreSQL takes none."""


class Exit(IntEnum):
    """Exit codes. 1 is an unexpected error, and 2 a wrong call, as of all commands."""

    DONE = 0
    WRONG_CALL = 2
    REFUSED = 3
    NOT_FOUND = 4
    UNAVAILABLE = 5


EXITS = (
    "Exit codes: 0 done, 2 wrong call, 3 refused, 4 not found, 5 the database is away (try again), 1 anything else."
    " With --json, the last line of standard error has the errors."
)


class Refused(Exception):
    """A refusal that commands alone have. No AccountsError: the codes of those are the API's."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.errors = [{"code": code, "field": field, "message": message}]


class JsonCommand(BaseCommand):
    """A command with `--json`: then all that goes wrong is JSON too."""

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django, which explains a wrong call in words, and takes bytes that are no text."""
        self._called_from_command_line = "--json" not in argv
        parser = self.create_parser(argv[0], argv[1])
        try:
            if any(SURROGATE.search(argument) for argument in argv):
                parser.error("an argument is not UTF-8")
            parser.parse_args(argv[2:])
        except CommandError as error:
            message = str(error).removeprefix("Error: ")
            fail(self, [{"code": "WRONG_CALL", "field": None, "message": message}], Exit.WRONG_CALL, in_json=True)
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> Any:
        """As Django. Ends with the exit code of what went wrong."""
        in_json = options.get("json", False)
        try:
            return super().execute(*args, **options)
        except AccountsError as error:
            found = [
                {"code": one.code, "field": ".".join(one.field or ()) or None, "message": str(one.message)}
                for one in error.failures
            ]
            fail(self, found, Exit.NOT_FOUND if isinstance(error, NotFound) else Exit.REFUSED, in_json=in_json)
        except Refused as refusal:
            fail(self, refusal.errors, Exit.REFUSED, in_json=in_json)
        except (OperationalError, InterfaceError):
            message = "The database is away. Try again."
            found = [{"code": "SERVICE_UNAVAILABLE", "field": None, "message": message}]
            fail(self, found, Exit.UNAVAILABLE, in_json=in_json)
        except CommandError as error:
            if not in_json:
                raise
            fail(self, [{"code": "FAILED", "field": None, "message": str(error)}], error.returncode, in_json=True)


class ProgramCommand(JsonCommand):
    """A command with verbs. Each yields records, and raises AccountsError or Refused."""

    requires_system_checks = ()
    """Their messages would stand among the records."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs."""
        parser.epilog = EXITS
        self.add_verbs(parser.add_subparsers(dest="verb", required=True, metavar="VERB"))

    def add_verbs(self, verbs: Any) -> None:
        """Add each verb with `add_verb`."""
        raise NotImplementedError

    def add_verb(self, verbs: Any, name: str, run: Callable[..., Iterator[Record]], when: str) -> CommandParser:
        """Add a verb with the options that all have; `when` says what it does and when to run it."""
        parser: CommandParser = verbs.add_parser(name, help=when, description=when, epilog=EXITS)
        parser.add_argument("--json", action="store_true", help="One JSON object on each line.")
        add_actor(parser)
        parser.set_defaults(run=run)
        return parser

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb as its actor, and write its records."""
        # Then the clock of the database is known, which tells when an event was.
        connection.ensure_connection()
        with acting(options["actor"]):
            for record in options["run"](options):
                self.stdout.write(json_of(record) if options["json"] else _text_of(record))


def add_actor(parser: CommandParser) -> None:
    """Add the option that names who acts."""
    parser.add_argument(
        "--actor",
        type=actor,
        default=user_of_system(),
        help="Who acts, for the security events: your program or yourself. The default is the user of the system.",
    )


def acting(actor: str) -> AbstractContextManager[None]:
    """Record what the block does as this actor's."""
    return origin.acting(client=f"{origin.PROGRAM}{actor}")


def fail(command: BaseCommand, errors: list[dict[str, str | None]], code: int, *, in_json: bool) -> Never:
    """End a command that was refused: with one line of JSON, or in words."""
    if in_json:
        command.stderr.write(json.dumps({"errors": errors}), lambda text: text)
        sys.exit(code)
    lines = (" ".join(filter(None, (one["field"], one["code"], one["message"]))) for one in errors)
    raise CommandError("\n".join(lines), returncode=code)


def json_of(record: Record) -> str:
    """A record on one line."""
    return json.dumps(record, default=_plain)


def user_of_system() -> str:
    """The user that the process runs as, whatever the environment says; a container's may have no name."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = ""
    return name if ACTOR.fullmatch(name) else f"uid-{os.getuid()}"


def actor(text: str) -> str:
    """The name of an actor."""
    if not ACTOR.fullmatch(text):
        raise argparse.ArgumentTypeError("An actor has 1 to 64 letters, digits and _ . @ : / + - of ASCII.")
    return text


def moment(text: str) -> datetime:
    """An instant in ISO 8601, or a date; without a time zone in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("A moment is such as 2027-01-31 or 2027-01-31T12:00:00+01:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError("This is no whole number.")
    return int(text)


def cursor(position: Position) -> str:
    """The text of a position."""
    return f"{position.moment.isoformat()}/{position.key}"


def position(text: str) -> Position:
    """The position that a cursor is the text of."""
    when, _slash, key = text.partition("/")
    try:
        return Position(moment(when), uuid.UUID(key))
    except (argparse.ArgumentTypeError, ValueError):
        raise argparse.ArgumentTypeError("This is no cursor of an earlier call.") from None


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _text_of(record: Record) -> str:
    """For people: a line for each value, then an empty one.

    What strangers wrote, such as a user agent, cannot steer a terminal.
    """
    lines = (f"{name}: {_plain(value)}" for name, value in record.items() if value not in (None, ""))
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines) + "\n\n"
