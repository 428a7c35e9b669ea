"""Delete tokens and sessions that can never work again."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import bearer_tokens


class Command(BaseCommand):
    """To be run daily."""

    help = "Delete expired tokens and sessions. Run it daily."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete."""
        self.stdout.write(f"{bearer_tokens.clear_expired()} sessions deleted.")
