"""Operations known by their hash: automatic persisted queries, and trusted documents.

Automatic persisted queries are as Apollo Client sends them: `extensions.persistedQuery.sha256Hash` alone first, with
the text when the hash is not known. With trusted documents, nothing runs but what a build of our own front ends has
written into a manifest (graphql-codegen's, Relay's or Apollo's format).
"""

import hashlib
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from accounts.conf import latchkey
from accounts.guard.limits import network_of
from accounts.shared.caller import Caller
from schema.request.refusals import Refusal

STORED_BYTES = 4 * 1024 * 1024
"""The memory for the texts of a process (S92): a thousand operations of usual size."""
ENTRY_BYTES = 1024
"""The most memory of an entry beside its text."""
LARGEST_STORED = 16 * 1024
"""Characters."""


class NotFound(Refusal):
    """The hash is unknown: the client must send the text too."""

    def __init__(self) -> None:
        # Apollo Client matches this exact message if a proxy has removed the code.
        super().__init__("PersistedQueryNotFound", code="PERSISTED_QUERY_NOT_FOUND")


class BadDocument(Refusal):
    """The request contradicts itself, or the document is not trusted."""

    def __init__(self, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message, code=code)


class Store:
    """The texts by their hash, within a bound of memory.

    When it is full, the address that has had most stored loses its least recently used text. So a stranger who floods
    the store displaces their own texts, not those of everybody else (S92).

    It belongs to a process: a worker that does not know a hash is sent the text once more, as with any server of
    automatic persisted queries. In the shared cache a flood could displace the counters of attempts.
    """

    def __init__(self, most: int = STORED_BYTES) -> None:
        self.bytes = 0
        self._most = most
        self._lock = threading.Lock()
        self._holders: dict[str, str] = {}
        """By hash, the address that it was stored for."""
        self._texts: dict[str, OrderedDict[str, str]] = {}
        """By address, its texts, least recently used first."""
        self._weights: dict[str, int] = {}

    def __len__(self) -> int:
        """The number of texts."""
        return len(self._holders)

    def get(self, digest: str) -> str | None:
        """The text of this hash; None if it is unknown."""
        with self._lock:
            if (holder := self._holders.get(digest)) is None:
                return None
            self._texts[holder].move_to_end(digest)
            return self._texts[holder][digest]

    def put(self, digest: str, text: str, holder: str) -> None:
        """Store a text for this address, unless it is known already."""
        with self._lock:
            if digest in self._holders:
                return
            self._holders[digest] = holder
            self._texts.setdefault(holder, OrderedDict())[digest] = text
            self._weigh(holder, text, 1)
            while self.bytes > self._most:
                self._drop_from(max(self._weights, key=self._weights.__getitem__))

    def _drop_from(self, holder: str) -> None:
        digest, text = self._texts[holder].popitem(last=False)
        del self._holders[digest]
        self._weigh(holder, text, -1)
        if not self._texts[holder]:
            del self._texts[holder], self._weights[holder]

    def _weigh(self, holder: str, text: str, sign: int) -> None:
        change = sign * (sys.getsizeof(text) + ENTRY_BYTES)
        self.bytes += change
        self._weights[holder] = self._weights.get(holder, 0) + change


store = Store()


def text_of(body: dict[str, Any]) -> str | None:
    """The query text of a request, sent or looked up; None without either. Raises NotFound, BadDocument."""
    query: str | None = body.get("query")
    digest = _digest_of(body)
    trusted = latchkey().trusted_documents
    if trusted:
        return _trusted(manifest(trusted), digest, query)
    if digest is None:
        return query
    if query is None:
        if (text := store.get(digest)) is None:
            raise NotFound
        return text
    if hashlib.sha256(query.encode()).hexdigest() != digest:
        raise BadDocument("The hash is not that of the query.", "BAD_USER_INPUT")
    return query


def remember(body: dict[str, Any], caller: Callable[[], Caller]) -> None:
    """Store a text that was sent with its hash. Call it for validated texts only."""
    query, digest = body.get("query"), _digest_of(body)
    if query and digest and not latchkey().trusted_documents and len(query) <= LARGEST_STORED:
        store.put(digest, query, network_of(caller().ip_address))


def _digest_of(body: dict[str, Any]) -> str | None:
    """The hash, as sent by Apollo (`persistedQuery`), GraphQL over HTTP (`documentId`) or Relay (`doc_id`)."""
    persisted = (body.get("extensions") or {}).get("persistedQuery")
    if isinstance(persisted, dict):
        persisted = persisted.get("sha256Hash")
    digest = persisted or body.get("documentId") or body.get("doc_id")
    if digest is None:
        return None
    if not isinstance(digest, str) or len(digest) > 128 or not digest.isascii():  # noqa: PLR2004
        raise BadDocument("The document's id is not one.", "BAD_USER_INPUT")
    return digest.removeprefix("sha256:").lower() if digest.startswith("sha256:") else digest


def _trusted(manifest: dict[str, str], digest: str | None, query: str | None) -> str:
    if digest is not None:
        text = manifest.get(digest)
        if text is None:
            raise NotFound
        return text
    if query is not None and query in manifest.values():
        return query
    raise BadDocument("This service runs trusted documents only.", "FORBIDDEN")


@lru_cache(maxsize=1)
def manifest(path: str) -> dict[str, str]:
    """The texts by id. graphql-codegen and Relay write such a map; Apollo's manifest lists operations."""
    content = json.loads(Path(path).read_text("utf-8-sig"))
    if "operations" in content:
        content = {operation["id"]: operation["body"] for operation in content["operations"]}
    if not all(isinstance(text, str) for text in content.values()):
        raise TypeError("an operation that is no text")
    return dict(content)
