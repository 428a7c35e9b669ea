"""Delete the accounts whose grace period is over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.leaving import grace


class Command(BaseCommand):
    """Finishes scheduled deletions. Run it daily."""

    help = "Delete the accounts whose grace period is over, with everything about them. Run it daily."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete, and print the number of accounts. Fails if some could not be deleted, once all others are."""
        purged = grace.purge()
        self.stdout.write(f"{purged.deleted} accounts deleted.")
        if purged.failed:
            raise CommandError(f"{purged.failed} accounts could not be deleted: see the log.")
