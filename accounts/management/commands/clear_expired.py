"""Delete everything that has expired."""

import json
import logging
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.sessions.models import Session as AdminSession
from django.core.management.base import CommandError
from django.db import close_old_connections, connection

from accounts.challenges import steps as challenges
from accounts.conf import latchkey
from accounts.factors import remembering
from accounts.guard import events
from accounts.leaving import grace
from accounts.mails import codes, delivery
from accounts.management.program import JsonCommand
from accounts.mfa import resetting
from accounts.shared import single_use
from accounts.shared.sweeping import sweep_expired
from accounts.tokens import api as bearer_tokens
from accounts.verification import pending as registrations

log = logging.getLogger(__name__)


def clear_events() -> int:
    """Delete security events that are older than AUDIT_RETENTION_DAYS; returns their number."""
    days = latchkey().audit_retention_days
    return events.clear_expired(older_than=timedelta(days=days)) if days else 0


KINDS: dict[str, Callable[[], int]] = {
    "accounts": grace.purge,
    **bearer_tokens.CLEARING,
    "challenges": challenges.clear_expired,
    "remembered browsers": remembering.clear_expired,
    "pending registrations": registrations.clear_expired,
    "resets of second factors": resetting.carry_out_due,
    "mailed codes": codes.clear_expired,
    "dead letters": delivery.clear_dead_letters,
    "single-use values": single_use.clear_expired,
    "sessions of the administration": partial(sweep_expired, AdminSession, "expire_date"),
    "security events": clear_events,
}
"""The function that deletes each kind and returns the number of rows, in short transactions, waiting for no lock."""


class Command(JsonCommand):
    """Deletes expired rows of every kind. A kind that fails stops no other."""

    help = (
        "Delete everything that has expired: tokens, sessions, challenges, remembered browsers, mailed codes, pending"
        " registrations, accounts whose grace period is over, and second factors whose reset is due; and what is older"
        " than its retention: mails that were given up, security events. Run it daily by cron, or hourly if the rows of"
        " a day are millions. It may run beside itself and the service, and be stopped at any time. Exits with 1 if a"
        " kind failed, after all others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --json."""
        parser.add_argument("--json", action="store_true", help="Print the numbers by kind as one JSON object.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Delete, and print the number of each kind. Raises CommandError if one failed."""
        deleted: dict[str, int] = {}
        failed: list[str] = []
        for kind, clear in KINDS.items():
            try:
                deleted[kind] = clear()
            except grace.Unfinished as unfinished:
                deleted[kind] = unfinished.deleted
                failed.append(kind)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other kinds are not to wait for its cure
                # Its text may hold values of a row.
                log.error("%s could not be cleared: %s", kind, type(error).__name__)  # noqa: TRY400
                failed.append(kind)
                # A connection that broke is not the next kind's. In a transaction it is the caller's.
                if not connection.in_atomic_block:
                    close_old_connections()
        if options["json"]:
            self.stdout.write(json.dumps({"deleted": deleted, "failed": failed}))
        else:
            for kind, number in deleted.items():
                self.stdout.write(f"{number} {kind} deleted.")
        if failed:
            raise CommandError(f"Could not clear {', '.join(failed)}: see the log.")
