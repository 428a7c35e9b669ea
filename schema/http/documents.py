"""Operations known by their hash: automatic persisted queries, and trusted documents.

Automatic persisted queries are as Apollo Client sends them: `extensions.persistedQuery.sha256Hash` alone first, with
the text when the hash is not known. With trusted documents, nothing runs but what a build of our own front ends has
written into a manifest (graphql-codegen's, Relay's or Apollo's format).
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.core.cache import cache

from accounts.conf import latchkey
from schema.request.refusals import Refusal

SLOTS = 1024
"""The size of the store. A hash maps to one slot and replaces its content: this needs no index, and flooding the store
fills no more than its slots."""
LARGEST_STORED = 16 * 1024
LIFETIME = 24 * 3600


class NotFound(Refusal):
    """The hash is unknown: the client must send the text too."""

    def __init__(self) -> None:
        # Apollo Client matches this exact message if a proxy has removed the code.
        super().__init__("PersistedQueryNotFound", code="PERSISTED_QUERY_NOT_FOUND")


class BadDocument(Refusal):
    """The request contradicts itself, or the document is not trusted."""

    def __init__(self, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message, code=code)


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
        slot = cache.get(_slot(digest))
        if slot is None or slot[0] != digest:
            raise NotFound
        return str(slot[1])
    if hashlib.sha256(query.encode()).hexdigest() != digest:
        raise BadDocument("The hash is not that of the query.", "BAD_USER_INPUT")
    return query


def remember(body: dict[str, Any]) -> None:
    """Store a text that was sent with its hash. Call it for validated texts only."""
    query, digest = body.get("query"), _digest_of(body)
    if query and digest and not latchkey().trusted_documents and len(query) <= LARGEST_STORED:
        cache.set(_slot(digest), (digest, query), LIFETIME)


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


def _slot(digest: str) -> str:
    place = int.from_bytes(hashlib.sha256(digest.encode()).digest()[:4]) % SLOTS
    return f"persisted-query:{place}"


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
