"""Sign everybody out."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.program import JsonCommand, acting, add_actor
from accounts.tokens import sessions

CAUSE = "by an operator, for all accounts"


class Command(JsonCommand):
    """Ends the sessions, tokens and authorization codes of all accounts, also in the administration."""

    help = (
        "Sign everybody out: end all sessions with their tokens and authorization codes, also in the administration."
        " Run it after a database was restored from a backup, which brings back what was revoked since, or after a key"
        " or a database has leaked. Everybody signs in again; nobody's password changes. It works in short transactions"
        " beside the service, and can be repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --yes, --json and --actor."""
        parser.add_argument("--yes", action="store_true", help="Confirm. Without it, nothing happens.")
        parser.add_argument("--json", action="store_true", help="Print the number of accounts as a JSON object.")
        add_actor(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """End them, and print the number of accounts. Raises CommandError unless it is confirmed."""
        if not options["yes"]:
            raise CommandError("This signs everybody out. Confirm it with --yes.")
        with acting(options["actor"]):
            accounts = sessions.end_everybodys(cause=CAUSE)
        self.stdout.write(json.dumps({"accounts": accounts}) if options["json"] else f"{accounts} accounts signed out.")
