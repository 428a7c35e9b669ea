"""What an OpenID provider publishes of itself: its endpoints and its keys, remembered for a while.

OpenID Connect Discovery 1.0; RFC 7517 for the keys. The cache may lose it all at any time.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from jwt import PyJWK, PyJWTError

from accounts.conf import latchkey
from accounts.exceptions import ProviderUnavailable

FRESH = 3600
"""Seconds for which nothing is asked again."""
DOWN = 5
"""Seconds for which a provider that has told nothing yet is not asked once more after it has failed."""
KEPT = 24 * 3600
"""Seconds for which the last answer serves while the provider gives no other."""

Load = Callable[[], dict[str, Any]]


def remembered(kind: str, url: str, load: Load) -> dict[str, Any]:
    """What was loaded within the last hour, else what is loaded now, else what was loaded within the last day.

    Raises what `load` raises where there is nothing at all.
    """
    key = _key(kind, url)
    asked_at, content = cache.get(key) or (None, {})
    if asked_at is not None and (time.time() - asked_at < FRESH or not may_ask_again(kind, url)):
        return dict(content)
    if asked_at is None and cache.get(f"{key}:down"):
        raise ProviderUnavailable(hint=f"{url} has failed just now")
    try:
        return _load(key, load)
    except ProviderUnavailable:
        if asked_at is None:
            cache.set(f"{key}:down", 1, DOWN)
            raise
        return dict(content)


def may_ask_again(kind: str, url: str) -> bool:
    """True once in a while: forged tokens with made-up key ids must not make us hammer the provider."""
    return cache.add(f"{_key(kind, url)}:asked", 1, latchkey().jwks_refetch_interval)


def signing_key(url: str, key_id: str, load: Load) -> PyJWK | None:
    """The key with this id among those published at the URL; asks again, at a limited rate, for one not known yet.

    Raises ProviderUnavailable.
    """
    key = _find(remembered("keys", url, load), key_id)
    if key is None and may_ask_again("keys", url):
        key = _find(_load(_key("keys", url), load), key_id)
    return key


def _load(key: str, load: Load) -> dict[str, Any]:
    content = load()
    cache.set(key, (time.time(), content), KEPT)
    # Just asked: not again for every unknown id that comes now.
    cache.add(f"{key}:asked", 1, latchkey().jwks_refetch_interval)
    return content


def _find(published: dict[str, Any], key_id: str) -> PyJWK | None:
    keys = published.get("keys")
    for key in keys if isinstance(keys, list) else []:
        if isinstance(key, dict) and key.get("kid") == key_id and key.get("use", "sig") == "sig":
            try:
                return PyJWK.from_dict(key)
            except (PyJWTError, ValueError, TypeError, KeyError, OverflowError):
                continue
    return None


def _key(kind: str, url: str) -> str:
    return f"latchkey:social:{kind}:{hashlib.sha256(url.encode()).hexdigest()}"
