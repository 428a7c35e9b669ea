"""Delete the accounts whose grace period is over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.leaving import grace


class Command(BaseCommand):
    """Finishes scheduled deletions, as `clear_expired` does among other things."""

    help = (
        "Delete the accounts whose grace period is over, with everything about them. clear_expired does it too. Run it"
        " only if deletions have a schedule of their own."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete, and print the number of accounts. Fails if some could not be deleted, once all others are."""
        try:
            deleted = grace.purge()
        except grace.Unfinished as unfinished:
            self.stdout.write(f"{unfinished.deleted} accounts deleted.")
            raise CommandError(f"{unfinished.failed} accounts could not be deleted: see the log.") from None
        self.stdout.write(f"{deleted} accounts deleted.")
