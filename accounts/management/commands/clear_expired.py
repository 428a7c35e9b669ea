"""Delete expired tokens, sessions, challenges, pending registrations, single-use values and security events."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from accounts.challenges import steps as challenges
from accounts.conf import latchkey
from accounts.guard import events
from accounts.mails import codes, delivery
from accounts.shared import single_use
from accounts.tokens import api as bearer_tokens
from accounts.verification import pending as registrations


class Command(BaseCommand):
    """Deletes expired rows. Run it daily."""

    help = "Delete expired tokens, sessions, challenges and security events. Run it daily."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete, and print the numbers of sessions and events."""
        challenges.clear_expired()
        single_use.clear_expired()
        codes.clear_expired()
        delivery.clear_dead_letters()
        registrations.clear_expired()
        self.stdout.write(f"{bearer_tokens.clear_expired()} sessions deleted.")
        if days := latchkey().audit_retention_days:
            self.stdout.write(f"{events.clear_expired(older_than=timedelta(days=days))} security events deleted.")
