"""Delete expired tokens, sessions, challenges and single-use values."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.challenges import steps as challenges
from accounts.shared import single_use
from accounts.tokens import api as bearer_tokens


class Command(BaseCommand):
    """Deletes expired rows. Run it daily."""

    help = "Delete expired tokens, sessions and challenges. Run it daily."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete, and print the number of sessions."""
        challenges.clear_expired()
        single_use.clear_expired()
        self.stdout.write(f"{bearer_tokens.clear_expired()} sessions deleted.")
