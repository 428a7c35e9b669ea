"""A bounded number of threads hash passwords (S92).

A hash takes a processor for tens of milliseconds. If every thread hashed, all other requests would wait for them.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import ParamSpec, TypeVar

from accounts.conf import latchkey
from accounts.shared import metrics

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

NICENESS = 10
"""Added to that of the process: while a processor is busy with hashes, other requests go first."""


class Slots:
    """The slots of a process, and a thread for each of them."""

    def __init__(self, *, slots: int, queue: int) -> None:
        self._free = threading.Semaphore(slots)
        self._places = threading.Semaphore(queue)
        self._thread = threading.local()
        self._hashing = ThreadPoolExecutor(slots, "hashing", initializer=_yield_to_others)

    def run(self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run a function that hashes and does nothing else, in one of the threads.

        It needs no slot. As it waits for pure computation only, it may be called in a transaction.
        """

        def measured() -> Result:
            with metrics.HASH_SECONDS.time():
                return function(*args, **kwargs)

        return self._hashing.submit(measured).result()

    @contextmanager
    def offered(self, *, seconds: float) -> Iterator[bool]:
        """Hold a slot, waiting at most so long for it. False if there is none, or if the queue is full."""
        if getattr(self._thread, "holds", False):
            yield True
        elif self._acquired(seconds):
            self._thread.holds = True
            try:
                yield True
            finally:
                self._thread.holds = False
                self._free.release()
        else:
            yield False

    def _acquired(self, seconds: float) -> bool:
        if self._free.acquire(blocking=False):
            return True
        if not self._places.acquire(blocking=False):
            metrics.HASH_REFUSALS.inc()
            return False
        started = time.monotonic()
        with metrics.HASH_WAITING.track_inprogress():
            try:
                acquired = self._free.acquire(timeout=seconds)
            finally:
                self._places.release()
        metrics.HASH_WAIT_SECONDS.observe(time.monotonic() - started)
        if not acquired:
            metrics.HASH_REFUSALS.inc()
        return acquired


def slots() -> Slots:
    """The slots that the settings describe."""
    own = latchkey()
    return _slots(own.hashing_slots, own.hashing_queue)


@cache
def _slots(number: int, queue: int) -> Slots:
    return Slots(slots=number, queue=queue)


# The threads of a process are not those of its children.
os.register_at_fork(after_in_child=_slots.cache_clear)


def _yield_to_others() -> None:
    # Linux has a niceness for each thread. Elsewhere it belongs to the process, and the call would change that.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
