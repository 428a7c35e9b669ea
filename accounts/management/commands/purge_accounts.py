"""Delete the accounts whose grace period is over."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.leaving import grace


class Command(BaseCommand):
    """Finishes scheduled deletions. Run it daily."""

    help = "Delete the accounts whose grace period is over, with everything about them. Run it daily."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete, and print the number of accounts."""
        self.stdout.write(f"{grace.purge()} accounts deleted.")
