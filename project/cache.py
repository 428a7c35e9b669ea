"""Redis as a cache: for what may be lost, and so for what may be away."""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache as DjangosRedisCache
from redis import RedisError

log = logging.getLogger(__name__)


class RedisCache(DjangosRedisCache):
    """Django's; but while Redis is away nothing is remembered, and no sign-in fails for it.

    What correctness needs to remember lies in the database.
    """

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The default, if Redis is away."""
        try:
            return super().get(key, default, version)
        except (RedisError, OSError) as error:
            return self._away(error, default)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing, if Redis is away."""
        try:
            super().set(key, value, *args, **kwargs)
        except (RedisError, OSError) as error:
            self._away(error, None)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        """False, if Redis is away: whoever wants to be the first must not all be."""
        try:
            return bool(super().add(key, value, *args, **kwargs))
        except (RedisError, OSError) as error:
            return bool(self._away(error, default=False))

    def _away(self, error: Exception, default: Any) -> Any:
        log.warning("cache away: %s", type(error).__name__)
        return default
