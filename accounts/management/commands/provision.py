"""Create and update the OAuth clients that a file declares."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from accounts.management.program import Exit, JsonCommand, Record, fail, json_of
from accounts.tokens.client_file import BadFile, hash_of, read
from accounts.tokens.models import Client
from accounts.tokens.provisioning import AnotherKind, Wanted, ensure


class Command(JsonCommand):
    """Makes the clients as the file has them: all of them, or none if one is refused. Idempotent. Deletes nothing."""

    help = (
        "Create and update the OAuth clients that a TOML file declares. Run it at each deployment, after migrate."
        " Clients that the file does not have are left alone, and listed. See docs/programs.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and what to do with it."""
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("file", nargs="?", type=Path, help="Such as clients.toml.")
        source.add_argument(
            "--hash-secret",
            action="store_true",
            help="Instead, read a secret from standard input and print what `secret_hash` takes.",
        )
        parser.add_argument("--json", action="store_true", help="One JSON object on each line.")
        parser.add_argument("--dry-run", action="store_true", help="Only show what would change.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print a line for each client. Raises CommandError."""
        in_json = options["json"]
        try:
            if options["hash_secret"]:
                made = hash_of(sys.stdin.readline().rstrip("\r\n"))
                self.stdout.write(json_of({"secret_hash": made}) if in_json else made)
                return
            records = _provisioned(read(options["file"], os.environ), dry_run=options["dry_run"])
        except BadFile as error:
            if not in_json:
                raise CommandError("\n".join(error.problems), returncode=Exit.REFUSED) from error
            found = [{"code": "INVALID_FILE", "field": None, "message": problem} for problem in error.problems]
            fail(self, found, Exit.REFUSED, in_json=True)
        for record in records:
            self.stdout.write(json_of(record) if in_json else _text_of(record, dry_run=options["dry_run"]))


def _provisioned(wanted: list[Wanted], *, dry_run: bool) -> list[Record]:
    """Make the clients, or find out what would be done. Raises BadFile; then none is made."""
    problems: list[str] = []
    records: list[Record] = []
    with transaction.atomic():
        for client in wanted:
            try:
                records.append(_ensured(client))
            except BadFile as error:
                problems += error.problems
        if problems:
            raise BadFile(*problems)
        transaction.set_rollback(dry_run)
    others = Client.objects.exclude(client_id__in=[client.client_id for client in wanted]).order_by("client_id")
    unlisted = others.values_list("client_id", flat=True)
    return records + [{"client_id": client_id, "outcome": "unlisted", "changed": []} for client_id in unlisted]


def _ensured(wanted: Wanted) -> Record:
    key = f"clients.{wanted.client_id}"
    try:
        done = ensure(wanted)
    except AnotherKind as error:
        raise BadFile(f"{key}.type: {error}") from error
    except ValidationError as error:
        raise BadFile(
            *(f"{key}.{name}: {text}" for name, texts in error.message_dict.items() for text in texts)
        ) from error
    outcome = "created" if done.created else "changed" if done.changed else "unchanged"
    return {"client_id": wanted.client_id, "outcome": outcome, "changed": done.changed}


def _text_of(record: Record, *, dry_run: bool) -> str:
    would_be = "would be " if dry_run else ""
    words = {
        "created": f"{would_be}created",
        "changed": f"{would_be}changed ({', '.join(record['changed'])})",
        "unchanged": "up to date",
        "unlisted": "not in the file",
    }
    return f"{record['client_id']}: {words[record['outcome']]}"
