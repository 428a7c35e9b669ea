"""Limits how many threads of a process wait for providers (S92).

At most a quarter: the others serve requests that need no provider. A sign-in that finds no place fails at once, because
waiting for one would hold a thread too.
"""

import threading
from collections import Counter

from accounts.conf import latchkey
from accounts.social.providers.http import NoAnswer

FEW = 2
"""With so few places, none is reserved."""


class Places:
    """The places of the waiting threads. Of more than two, the last free one is reserved for a provider that has none.

    Otherwise a slow or flooded provider would shut out the others. Of two, none is reserved: two people who use the
    same provider at the same moment are usual.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = Counter[str]()

    def take(self, provider: str) -> None:
        """Take a place. Raises NoAnswer if there is none."""
        own = latchkey()
        with self._lock:
            reserved = 1 if self._taken[provider] and len(own.providers) > 1 and own.provider_threads > FEW else 0
            if own.provider_threads - self._taken.total() <= reserved:
                raise NoAnswer("too many threads wait for providers already")
            self._taken[provider] += 1

    def give_back(self, provider: str) -> None:
        """Free a place."""
        with self._lock:
            self._taken[provider] -= 1


PLACES = Places()
