"""What the tests of this room share."""

from collections.abc import Callable

import pytest

from tests.guard.conftest import in_memory

__all__ = ["in_memory"]


@pytest.fixture
def at(client, settings) -> Callable[[str], None]:
    """Come from another address, which is counted by itself."""
    settings.TRUSTED_PROXIES = 1

    def move(address: str) -> None:
        client.defaults["REMOTE_ADDR"] = address

    move("192.0.2.1")
    return move
