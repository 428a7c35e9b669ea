"""Let a former key of second factors go."""

import json
from typing import Any

from django.core.management.base import CommandParser

from accounts.factors import resealing
from accounts.factors.resealing import Outcome
from accounts.management.program import JsonCommand


class Command(JsonCommand):
    """Seals what is stored of authenticator apps and recovery codes under the first key."""

    help = (
        "Encrypt what is stored of authenticator apps and recovery codes anew, under the first of MFA_KEYS, or"
        " SECRET_KEY where there are none. Run it before a former key is removed from MFA_KEYS, or from"
        " SECRET_KEY_FALLBACKS where there are no MFA_KEYS, once all servers have the new first key. It works beside"
        " the service, and can be repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --json."""
        parser.add_argument("--json", action="store_true", help="Print the numbers as a JSON object.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Seal them, and print how many were, had been, and cannot be opened with any key."""
        found = resealing.reseal_all()
        numbers = {str(outcome): found[outcome] for outcome in Outcome}
        self.stdout.write(json.dumps(numbers) if options["json"] else _text_of(found))


def _text_of(found: dict[Outcome, int]) -> str:
    resealed, unreadable = found[Outcome.RESEALED], found[Outcome.UNREADABLE]
    text = f"{resealed} sealed under the first key, {found[Outcome.UNCHANGED]} were already."
    return f"{text} {unreadable} cannot be opened: their key is missing." if unreadable else text
