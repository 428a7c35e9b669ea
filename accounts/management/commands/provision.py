"""Create and update the OAuth clients that a file declares."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.tokens.client_file import BadFile, hash_of, read
from accounts.tokens.models import Client
from accounts.tokens.provisioning import AnotherKind, Ensured, Wanted, ensure


class Command(BaseCommand):
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
        parser.add_argument("--dry-run", action="store_true", help="Only show what would change.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print a line for each client. Raises CommandError."""
        try:
            if options["hash_secret"]:
                self.stdout.write(hash_of(sys.stdin.readline().rstrip("\r\n")))
                return
            wanted = read(options["file"], os.environ)
        except BadFile as error:
            raise CommandError("\n".join(error.problems)) from error
        dry_run = options["dry_run"]
        with transaction.atomic():
            lines = [f"{client.client_id}: {_outcome(_ensured(client), dry_run=dry_run)}" for client in wanted]
            transaction.set_rollback(dry_run)
        others = Client.objects.exclude(client_id__in=[client.client_id for client in wanted]).order_by("client_id")
        lines += [f"{client_id}: not in the file" for client_id in others.values_list("client_id", flat=True)]
        for line in lines:
            self.stdout.write(line)


def _ensured(wanted: Wanted) -> Ensured:
    try:
        return ensure(wanted)
    except AnotherKind as error:
        raise CommandError(f"clients.{wanted.client_id}.type: {error}") from error
    except ValidationError as error:
        texts = [(name, text) for name, found in error.message_dict.items() for text in found]
        raise CommandError("\n".join(f"clients.{wanted.client_id}.{name}: {text}" for name, text in texts)) from error


def _outcome(done: Ensured, *, dry_run: bool) -> str:
    would_be = "would be " if dry_run else ""
    if done.created:
        return f"{would_be}created"
    return f"{would_be}changed ({', '.join(done.changed)})" if done.changed else "up to date"
