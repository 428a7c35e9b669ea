"""Whether the service is about to stop: one byte that gunicorn's master shares with the workers it has forked."""

import mmap

# Shared by all processes that are forked from the one that has imported this module.
_begun = mmap.mmap(-1, 1)


def begin() -> None:
    """From now on the service is not ready, and asks clients to close their connections."""
    _begun[0] = 1


def under_way() -> bool:
    """Whether it has begun, in any of the processes."""
    return _begun[0] == 1
