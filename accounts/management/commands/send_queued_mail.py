"""Send the mails that are queued."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.mails import delivery
from accounts.mails.worker import Worker


class Command(BaseCommand):
    """Sends what is due once, or until it is stopped."""

    help = (
        "Send the queued mails that are due. Run it with --forever as a process of its own where MAIL_WORKER=false; or"
        " without it, once, to see what becomes of the mails that are due."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --forever."""
        parser.add_argument("--forever", action="store_true", help="Go on until stopped.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Send, and print the number of each outcome."""
        if not options["forever"]:
            outcomes = delivery.send_due()
            self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "0 due")
            return
        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.request_stop())
        worker.run()
