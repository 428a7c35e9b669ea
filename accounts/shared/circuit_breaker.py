"""Stop calling a server that does not answer, so that not every request waits for it (S92)."""

import threading
import time
from collections.abc import Hashable


class CircuitBreaker:
    """Blocks calls for some seconds after a failure. Then one call tries again; once it succeeds, all are allowed.

    State is per process. The clock is monotonic, and no lock is held during a call.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._retry_at: dict[Hashable, float] = {}

    def allows(self, key: Hashable) -> bool:
        """Whether to call now. After a failure, true for one caller per interval."""
        if key not in self._retry_at:
            return True
        now = time.monotonic()
        with self._lock:
            if now < self._retry_at.get(key, 0):
                return False
            self._retry_at[key] = now + self._seconds
            return True

    def failed(self, key: Hashable) -> None:
        """Record a failed call."""
        now = time.monotonic()
        with self._lock:
            # Drop expired entries, so that memory does not grow with the keys.
            self._retry_at = {key: retry_at for key, retry_at in self._retry_at.items() if retry_at > now}
            self._retry_at[key] = now + self._seconds

    def succeeded(self, key: Hashable) -> None:
        """Record a successful call."""
        if key in self._retry_at:
            with self._lock:
                self._retry_at.pop(key, None)
