"""A bounded number of threads hash at once, so that a storm of sign-ins leaves threads for the rest (S92)."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.guard.errors import RateLimited
from accounts.shared.hash_slots import slots

LONGEST_WAIT = 2.0
"""Seconds that a request waits for a slot."""
LATEST_RETRY = 5
"""Refused clients come back after 1 to this many seconds, at random: else all would come back at once."""

_thread = threading.local()


def count() -> int:
    """How many slots this thread has held, so that one can tell whether something hashed."""
    return getattr(_thread, "count", 0)


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the process's slots for hashing passwords. Raises RateLimited if none is free in time.

    Put it around what hashes for a stranger, outside any transaction: a thread that waits must hold no locks. Commands
    and forms of the administration hash without it, one after the other, and are never refused. Signing in there is
    for strangers.
    """
    with slots().offered(seconds=LONGEST_WAIT) as held:
        if not held:
            raise RateLimited(retry_after=random.randint(1, LATEST_RETRY))  # noqa: S311 - no secret
        _thread.count = count() + 1
        yield
