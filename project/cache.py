"""A Redis cache that behaves as an empty cache while Redis is unavailable."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from django.core.cache.backends.redis import RedisCacheClient
from redis import ReadOnlyError, Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from accounts.shared.circuit_breaker import CircuitBreaker
from accounts.shared.scripts import ScriptableCache, ScriptsUnavailable

log = logging.getLogger(__name__)

RETRY_AFTER = 5
"""Seconds without calls after Redis did not answer."""
SERVERS = CircuitBreaker(seconds=RETRY_AFTER)


class OneClient(RedisCacheClient):
    """Django's, which builds a client at each call: that takes as long as the call. Here each server has one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clients: dict[Any, Redis] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        """The client of the server that Django chooses. It takes a connection from the pool for each command."""
        pool = self._get_connection_pool(write)  # type: ignore[attr-defined]  # unknown to the stubs
        if pool not in self._clients:
            self._clients[pool] = self._client(connection_pool=pool)  # type: ignore[attr-defined]
        return self._clients[pool]


class SentinelPool(SentinelConnectionPool):
    """Connections to the Redis that the Sentinels call the primary, whom each new connection asks."""

    @classmethod
    def from_url(  # type: ignore[override]  # Django passes what data_urls has read
        cls,
        url: str,  # noqa: ARG003
        *,
        sentinels: Sequence[tuple[str, int]],
        primary: str,
        sentinel_username: str | None = None,
        sentinel_password: str | None = None,
        **options: Any,
    ) -> "SentinelPool":
        """A pool of its own, as Django builds one for each thread."""
        to_sentinels = {name: value for name, value in options.items() if name.startswith(("socket_", "ssl"))}
        manager = Sentinel(  # type: ignore[no-untyped-call]
            sentinels,
            # Without the pauses between attempts: the next Sentinel is asked.
            sentinel_kwargs={
                **to_sentinels,
                "username": sentinel_username,
                "password": sentinel_password,
                "retry": Retry(NoBackoff(), 0),
            },
        )
        return cls(primary, manager, **options)


class RedisCache(ScriptableCache, DjangoRedisCache):
    """Django's, except that while Redis is unavailable nothing is cached and no request fails.

    One call waits for a Redis that does not answer; all others continue without it (S92). Data needed for correctness
    is in the database. Methods that are not overridden are built on these.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient
        # There is one instance per thread. The server is the key of the circuit breaker that they share.
        self._server = str(server)

    def ping(self) -> bool:
        """Whether Redis responds, asked whatever the circuit breaker says. Raises RedisError or OSError."""
        return bool(self._cache.get_client(write=True).ping())

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The default, if Redis is unavailable."""
        return self._try(super().get, key, default, version, fallback=default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """An empty dict, if Redis is unavailable."""
        values: dict[Any, Any] = self._try(super().get_many, keys, version, fallback={})
        return values

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """False, if Redis is unavailable."""
        return bool(self._try(super().has_key, key, version, fallback=False))

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing, if Redis is unavailable."""
        self._try(super().set, key, value, *args, fallback=None, **kwargs)

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """The keys that were not stored: all, if Redis is unavailable."""
        failed: list[Any] = self._try(super().set_many, data, *args, fallback=list(data), **kwargs)
        return failed

    async def aset_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """As set_many. Django's version reports that all were stored."""
        failed: list[Any] = await sync_to_async(self.set_many)(data, *args, **kwargs)
        return failed

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        """False, if Redis is unavailable, so that no caller believes it won the race."""
        return bool(self._try(super().add, key, value, *args, fallback=False, **kwargs))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError for a missing key, as the cache API requires, and if Redis is unavailable."""
        count: int | None = self._try(super().incr, key, delta, version, fallback=None)
        if count is None:
            raise ValueError("Key not found: the cache is unavailable.")
        return count

    def touch(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """False, if Redis is unavailable."""
        return bool(self._try(super().touch, key, *args, fallback=False, **kwargs))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """False, if Redis is unavailable."""
        return bool(self._try(super().delete, key, version, fallback=False))

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        """Do nothing, if Redis is unavailable."""
        self._try(super().delete_many, keys, version, fallback=None)

    def clear(self) -> None:
        """Do nothing, if Redis is unavailable."""
        self._try(super().clear, fallback=None)

    def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run a Lua script in one round trip. Raises ScriptsUnavailable, if Redis is unavailable or refuses it."""
        names = [self.make_key(key) for key in keys]
        missing = object()
        result = self._try(self._run, script, names, arguments, fallback=missing)
        if result is missing:
            raise ScriptsUnavailable
        return result

    def _run(self, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        # Sends the script's digest, and the script itself only to a Redis that does not know it.
        return self._cache.get_client(write=True).register_script(script)(keys=keys, args=arguments)

    def _try(self, method: Callable[..., Any], *args: Any, fallback: Any, **kwargs: Any) -> Any:
        """The method's result, or the fallback if Redis fails."""
        if not SERVERS.allows(self._server):
            return fallback
        try:
            result = method(*args, **kwargs)
        except (RedisError, OSError) as error:
            log.warning("cache unavailable: %s", type(error).__name__)
            if isinstance(error, ReadOnlyError):
                # A failover made it a replica. New connections go to where its name points by now.
                self._cache.get_client(write=True).connection_pool.disconnect()
            # An error reply shows that Redis is reachable.
            (SERVERS.succeeded if isinstance(error, ResponseError) else SERVERS.failed)(self._server)
            return fallback
        SERVERS.succeeded(self._server)
        return result
