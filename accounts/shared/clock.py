"""The time of the database, which all instances share, for what is counted in seconds between them.

Clocks of machines differ. With one that is 90 seconds ahead, a refresh that two tabs send at once would look there like
a replay after the grace of 10 seconds, and end the session.
"""

import logging
import time
from datetime import datetime, timedelta

from django.utils import timezone

log = logging.getLogger(__name__)

TOLERANCE = timedelta(seconds=1)
"""The most by which the clock of a process is taken as right. Synchronised ones differ by milliseconds."""


LONGEST = 600.0
"""Seconds after which clocks are compared again, since they drift."""


class _Offset:
    """How far the database's clock is ahead of this process's."""

    value = timedelta(0)
    compared_at: tuple[float, float] | None = None
    """By the clock that may be set, and by the one that runs evenly."""


def now() -> datetime:
    """The time."""
    return timezone.now() + _Offset.value


def is_compared() -> bool:
    """Whether what was noted still counts: it does not if somebody has set this machine's clock, or after a while."""
    if _Offset.compared_at is None:
        return False
    wall, even = _Offset.compared_at
    passed = time.monotonic() - even
    return passed < LONGEST and abs(time.time() - wall - passed) < TOLERANCE.total_seconds()


def compare(*, before: datetime, database: datetime, after: datetime) -> None:
    """Note what the database said between two readings of this process's clock, unless it took too long to tell."""
    if not timedelta(0) <= after - before < TOLERANCE:
        return
    offset = database - (before + (after - before) / 2)
    offset = offset if abs(offset) > TOLERANCE else timedelta(0)
    if abs(offset - _Offset.value) > TOLERANCE:
        log.warning("the clock of the database is %+.1f s from ours: synchronise them", offset.total_seconds())
    _Offset.value, _Offset.compared_at = offset, (time.time(), time.monotonic())
