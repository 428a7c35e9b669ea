"""A bounded number of threads hash passwords at once (S92).

A hash takes a processor for tens of milliseconds. If every thread hashed, all other requests would wait for them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from accounts.conf import latchkey

PATIENCE = 10
"""Seconds that a thread waits for a slot that it can do without."""


class Slots:
    """The slots of a process, re-entrant within a thread."""

    def __init__(self, *, slots: int, queue: int) -> None:
        self._free = threading.Semaphore(slots)
        self._places = threading.Semaphore(queue)
        self._thread = threading.local()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a slot if one becomes free, and go on without one otherwise: for commands, and for pages of the staff.

        The wait is bounded because this may run in a transaction, for whose locks the holder of the slot may wait.
        """
        if self._held or not self._free.acquire(timeout=PATIENCE):
            yield
            return
        with self._holding():
            yield

    @contextmanager
    def offered(self, *, seconds: float) -> Iterator[bool]:
        """Hold a slot, waiting at most so long for it. False if there is none, or if the queue is full."""
        if self._held:
            yield True
        elif self._acquired(seconds):
            with self._holding():
                yield True
        else:
            yield False

    def _acquired(self, seconds: float) -> bool:
        if self._free.acquire(blocking=False):
            return True
        if not self._places.acquire(blocking=False):
            return False
        try:
            return self._free.acquire(timeout=seconds)
        finally:
            self._places.release()

    @property
    def _held(self) -> bool:
        return getattr(self._thread, "holds", False)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self._thread.holds = True
        try:
            yield
        finally:
            self._thread.holds = False
            self._free.release()


def slots() -> Slots:
    """The slots that the settings describe."""
    own = latchkey()
    return _slots(own.hashing_slots, own.hashing_queue)


@cache
def _slots(number: int, queue: int) -> Slots:
    return Slots(slots=number, queue=queue)
