"""The two stores of limits, with a clock that tests can advance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import redis
from django.core.cache import caches

from accounts.guard import store
from project.cache import SERVERS
from tests.redis_server import Redis, configuration, redis_server


@dataclass
class Counted:
    """Where attempts are counted."""

    keys: Callable[[], list[str]]
    """What it keeps, and under which names."""
    advance: Callable[[float], None]
    """Let so many seconds pass."""


@pytest.fixture(scope="module")
def redis_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server for the tests of a module."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def in_redis(redis_of_module, settings) -> Iterator[Counted]:
    """Attempts are counted in Redis."""
    settings.CACHES = configuration(redis_of_module.port)
    with redis.Redis(port=redis_of_module.port, decode_responses=True) as client:
        client.flushall()

        def advance(seconds: float) -> None:
            # Redis has no clock to set: what is stored gets older instead.
            for key in client.scan_iter():
                if client.type(key) == "zset":
                    for member, until in client.zrange(key, 0, -1, withscores=True):
                        client.zadd(key, {member: until - seconds * 1e6})
                else:
                    client.set(key, f"{float(client.get(key)) - seconds * 1e6:.0f}", keepttl=True)

        yield Counted(client.keys, advance)
    caches.close_all()
    assert not SERVERS._retry_at


@pytest.fixture
def in_memory(settings, monkeypatch) -> Counted:
    """Attempts are counted in this process."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    now = [store._now()]
    monkeypatch.setattr(store, "_now", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += round(seconds * 1e6)

    return Counted(lambda: [*store.MEMORY._full_at, *store.MEMORY._known], advance)


@pytest.fixture(params=["in_memory", "in_redis"])
def counted(request) -> Counted:
    """Each of the two."""
    counted: Counted = request.getfixturevalue(request.param)
    return counted
