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
from graphql import GraphQLError

from accounts.conf import latchkey

SLOTS = 1024
"""How many texts the store can hold: a hash has one place, and a newcomer takes it. No index is needed, and whoever
fills the store with rubbish fills no more than this."""
LARGEST_STORED = 16 * 1024
LIFETIME = 24 * 3600


class NotFound(GraphQLError):
    """The text behind the hash is not known: send it along."""

    def __init__(self) -> None:
        # Apollo Client looks for this very message where a proxy has eaten the code.
        super().__init__("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})


class BadDocument(GraphQLError):
    """The request for a document contradicts itself, or asks for one that is not trusted."""

    def __init__(self, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message, extensions={"code": code})


def text_of(body: dict[str, Any]) -> str | None:
    """The query text that a request means; None if it names none. Raises NotFound, BadDocument."""
    query: str | None = body.get("query")
    digest = _digest_of(body)
    trusted = latchkey().trusted_documents
    if trusted:
        return _trusted(_manifest(trusted), digest, query)
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
    """Store the text of a request that brought its hash along. For texts that have passed validation only."""
    query, digest = body.get("query"), _digest_of(body)
    if query and digest and not latchkey().trusted_documents and len(query) <= LARGEST_STORED:
        cache.set(_slot(digest), (digest, query), LIFETIME)


def _digest_of(body: dict[str, Any]) -> str | None:
    """As Apollo (`persistedQuery`), the GraphQL over HTTP draft (`documentId`) and Relay (`doc_id`) send it."""
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
def _manifest(path: str) -> dict[str, str]:
    """Id → text. graphql-codegen and Relay write just that; Apollo's has a list of operations."""
    content = json.loads(Path(path).read_text())
    if "operations" in content:
        return {operation["id"]: operation["body"] for operation in content["operations"]}
    return {str(key): str(text) for key, text in content.items()}
