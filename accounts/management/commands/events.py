"""Export security events."""

import argparse
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.management import acts
from accounts.management.program import ProgramCommand, Record, cursor, moment, position, whole
from accounts.shared import clock
from accounts.shared.keyset import position_of

FIELDS = (
    "id",
    "type",
    "subject",
    "actor",
    "client",
    "ip_address",
    "user_agent",
    "cause",
    "request_id",
    "count",
    "created_at",
)
LAG = 120
"""Seconds. By then the rows of a minute are complete, and its transactions committed."""


class Command(ProgramCommand):
    """Verbs on security events."""

    help = (
        "Export security events to a file or another system. Run it from a timer that feeds a log store, or by hand."
        " See docs/programs.md."
    )

    def add_verbs(self, verbs: Any) -> None:
        """Add the verb."""
        export = self.add_verb(
            verbs,
            "export",
            self.export,
            "Write security events, oldest first. Run it from cron, with the cursor of the last event of the run"
            " before, to feed a log store or an alarm; or once, for an inquiry. The export is itself an event.",
        )
        export.add_argument("--since", type=moment, metavar="MOMENT", help="From this moment on.")
        export.add_argument("--until", type=moment, metavar="MOMENT", help="Before this moment.")
        export.add_argument("--type", type=_type, action="append", default=[], dest="types", metavar="TYPE")
        export.add_argument("--account", help="Only those of this account: its e-mail address or id.")
        export.add_argument("--after", type=position, metavar="CURSOR", help="Continue behind this event.")
        export.add_argument("--limit", type=whole, help="At most so many.")
        export.add_argument(
            "--lag",
            type=whole,
            default=LAG,
            metavar="SECONDS",
            help=f"Leave out the newest, which may be incomplete: {LAG} seconds by default. 0 is for people.",
        )

    def export(self, options: dict[str, Any]) -> Iterator[Record]:
        """Export, and record it."""
        complete = clock.now() - timedelta(seconds=options["lag"])
        subject = acts.key_of(options["account"]) if options["account"] else None
        events.record(EventType.EVENTS_EXPORTED, subject=None, cause=f"of {subject}" if subject else "")
        found = events.oldest_first(
            since=options["since"],
            until=min(options["until"] or complete, complete),
            types=options["types"],
            subject=subject,
            after=options["after"],
        )
        for event in islice(found, options["limit"]):
            yield record_of(event)


def record_of(event: SecurityEvent) -> Record:
    """An event, and where to continue behind it."""
    fields = {name: getattr(event, name) for name in FIELDS}
    return {**fields, "cursor": cursor(position_of(event, by="created_at"))}


def _type(text: str) -> EventType:
    try:
        return EventType(text)
    except ValueError:
        raise argparse.ArgumentTypeError("There is no such type: see docs/guard.md.") from None
