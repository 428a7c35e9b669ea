"""Remembers the documents that a provider publishes: its discovery document and its keys (RFC 7517).

Each process remembers them, so that it works without a cache. The cache, which may lose them at any time, passes them
on to the other processes.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import LRUCache
from django.core.cache import cache
from jwt import PyJWK

from accounts.conf import latchkey
from accounts.social.claims import Content
from accounts.social.errors import ProviderUnavailable
from accounts.social.providers.exchange import Exchange
from accounts.social.providers.single_flight import SingleFlight

FRESH = 3600
"""Seconds for which a document is not loaded again."""
DOWN = 5
"""Back-off in seconds after a failed first request."""
KEPT = 24 * 3600
"""Seconds for which the last document is used while the provider returns no new one."""
DOCUMENTS = 256
"""How many a process remembers: two for each provider, and room for providers whose URLs change."""
LONG_AGO = float("-inf")

Load = Callable[[], Content]


@dataclass(eq=False)
class _Document:
    """A document in this process. Times are monotonic, except `published_at`, which processes compare."""

    key: str
    """Its key in the cache."""
    url: str
    content: Content | None = None
    loaded_at: float = LONG_AGO
    tried_at: float = LONG_AGO
    published_at: float = LONG_AGO
    """Wall-clock time at which one of the processes loaded it from the provider."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Never held during a request."""

    @property
    def known(self) -> Content | None:
        """The content, unless it is too old to use."""
        return self.content if self._age() < KEPT else None

    @property
    def fresh(self) -> Content | None:
        """The content, unless it is due to be loaded again."""
        return self.content if self._age() < FRESH else None

    def _age(self) -> float:
        return time.monotonic() - self.loaded_at

    def store(self, content: Content, *, published_at: float) -> None:
        """Store what was loaded."""
        with self.lock:
            self.content, self.published_at = content, published_at
            self.loaded_at = time.monotonic() - max(0, time.time() - published_at)
            self.tried_at = max(self.tried_at, self.loaded_at)

    def due(self) -> bool:
        """Whether it may be loaded now: forged tokens with invented key ids must not make us flood the provider.

        It stays true until an answer is there, so that all who need the answer wait for the same one.
        """
        pause = DOWN if self.known is None else latchkey().jwks_refetch_interval
        return time.monotonic() - self.tried_at >= pause

    def refresh(self, load: Load) -> Content:
        """Load the document. Raises ProviderUnavailable."""
        try:
            content = load()
        finally:
            with self.lock:
                self.tried_at = time.monotonic()
        self.store(content, published_at=time.time())
        return content


_documents: LRUCache[str, _Document] = LRUCache(DOCUMENTS)
_documents_lock = threading.Lock()
_flights = SingleFlight[Content]()


def remembered(kind: str, url: str, exchange: Exchange, load: Load) -> Content:
    """The document: loaded within the last hour, else loaded now, else loaded within the last day.

    Raises ProviderUnavailable if there is none of these.
    """
    document = _document(kind, url)
    fresh = document.fresh or _synchronised(document).fresh
    if fresh is not None:
        return fresh
    known = document.known
    if known is not None and (document.key in _flights or not document.due()):
        return known
    try:
        return _load(document, known, exchange, load)
    except ProviderUnavailable:
        if known is None:
            raise
        return known


def signing_key(url: str, find: Callable[[Content], PyJWK | None], exchange: Exchange, load: Load) -> PyJWK | None:
    """The key that `find` selects from the key set at the URL. If there is none, load it again, at a limited rate.

    Raises ProviderUnavailable.
    """
    key = find(remembered("keys", url, exchange, load))
    if key is not None:
        return key
    document = _synchronised(_document("keys", url))
    due, known = document.due(), document.known
    key = find(known or {})
    if key is None and due:
        key = find(_load(document, known, exchange, load))
    return key


def _load(document: _Document, known: Content | None, exchange: Exchange, load: Load) -> Content:
    """Replace the known content by what is published now. Concurrent calls share one request.

    Raises ProviderUnavailable.
    """

    def load_once() -> Content:
        if document.known is not None and document.known is not known:
            # It arrived after we had looked.
            return document.known
        if not document.due():
            raise exchange.unavailable(f"{document.url} has failed just now")
        content = document.refresh(load)
        cache.set(document.key, (document.published_at, content), KEPT)
        return content

    # Waiting for another's answer holds a thread too. The one that asks has a place before the others wait.
    exchange.take_place()
    flight = _flights.share(document.key, load_once)
    try:
        return flight.result(None if flight.done() else exchange.remaining())
    except ProviderUnavailable as error:
        # A new exception for each thread that raises it.
        raise ProviderUnavailable(error.message, hint=error.hint) from None
    except TimeoutError:
        raise exchange.unavailable(f"timed out while another request loaded {document.url}") from None


def _synchronised(document: _Document) -> _Document:
    """The same document, with what another process has loaded since."""
    published_at, content = cache.get(document.key) or (LONG_AGO, {})
    if published_at > document.published_at:
        document.store(content, published_at=published_at)
    return document


def _document(kind: str, url: str) -> _Document:
    key = f"latchkey:social:{kind}:{hashlib.sha256(url.encode()).hexdigest()}"
    with _documents_lock:
        return _documents.setdefault(key, _Document(key, url))
