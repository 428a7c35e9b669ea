"""Persisted queries and trusted documents."""

import dataclasses
import gc
import hashlib
import json
import tracemalloc

import pytest

from schema.http import documents
from tests.api import Answer

QUERY = "{ me { id } __typename }"


def sha256(text: str) -> str:
    """In hex, as Apollo sends it."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def post(default_client, client, monkeypatch):
    """Post a body as it is, from an address, to a process that knows no text yet."""
    monkeypatch.setattr(documents, "store", documents.Store())

    def call(method="post", address="1.1.1.1", **body):
        if method == "get":
            parts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}
            response = client.get("/graphql", parts, REMOTE_ADDR=address)
        else:
            response = client.post("/graphql", json.dumps(body), content_type="application/json", REMOTE_ADDR=address)
        return Answer(response.status_code, response.json(), response.headers)

    return call


def by_hash(digest: str) -> dict:
    """Apollo Client's extension."""
    return {"persistedQuery": {"version": 1, "sha256Hash": digest}}


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_query_is_asked_for_once_and_then_known_by_its_hash(post, method):
    """As Apollo Client does: the hash, then both, then the hash."""
    unknown = post(method, extensions=by_hash(sha256(QUERY)))
    assert (unknown.status, unknown.codes) == (200, ["PERSISTED_QUERY_NOT_FOUND"])

    assert post(method, query=QUERY, extensions=by_hash(sha256(QUERY))).data["__typename"] == "Query"

    assert post(method, extensions=by_hash(sha256(QUERY))).data["__typename"] == "Query"


def test_a_hash_that_is_not_that_of_the_query_is_refused(post):
    """Nothing is stored: else one could put an operation under another's hash."""
    answer = post(query=QUERY, extensions=by_hash(sha256("{ other }")))

    assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])
    assert post(extensions=by_hash(sha256("{ other }"))).codes == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize("query", ["{ nope }", "{ me { id }", "# " + "x" * documents.LARGEST_STORED + "\n" + QUERY])
def test_what_is_invalid_or_large_is_not_stored(post, query):
    """The store is for what will be asked for again."""
    post(query=query, extensions=by_hash(sha256(query)))

    assert post(extensions=by_hash(sha256(query))).codes == ["PERSISTED_QUERY_NOT_FOUND"]


def text_and_hash(number, size=100):
    """One of many texts."""
    text = f"{{ a{number}: __typename }} #".ljust(size, "x")
    return text, sha256(text)


def test_a_stranger_displaces_nobody_elses_text(post, monkeypatch):
    """S92: whoever fills the store loses their own texts."""
    monkeypatch.setattr(documents, "store", documents.Store(most=50 * 1200))
    ours = [text_and_hash(number) for number in range(3)]
    for text, digest in ours:
        post(query=text, extensions=by_hash(digest))

    flood = [text_and_hash(number) for number in range(100, 200)]
    for text, digest in flood:
        post(query=text, extensions=by_hash(digest), address="9.9.9.9")

    assert [post(extensions=by_hash(digest)).codes for _, digest in ours] == [[], [], []]
    assert post(extensions=by_hash(flood[0][1])).codes == ["PERSISTED_QUERY_NOT_FOUND"]
    assert post(extensions=by_hash(flood[-1][1])).codes == []


def test_texts_displace_each_other_only_when_the_store_is_full(post):
    """None shares its place with another, as in a table of slots."""
    texts = [text_and_hash(number) for number in range(500)]
    for text, digest in texts:
        documents.store.put(digest, text, "1.1.1.1")

    assert [documents.store.get(digest) for _, digest in texts] == [text for text, _ in texts]


def test_the_least_recently_used_text_goes_first():
    """So that what clients use stays."""
    store = documents.Store(most=10 * 1200)
    for number in range(8):
        store.put(str(number), "{ a }", "1.1.1.1")
        assert store.get("0")

    for number in range(8, 30):
        store.put(str(number), "{ a }", "1.1.1.1")
        assert store.get("0")

    assert store.get("1") is None


@pytest.mark.parametrize("filler", ["x", "\u4e00", "\U0001f98a"], ids=["narrow", "wide", "widest"])
def test_the_store_is_bounded_by_what_it_weighs(filler):
    """S92: a thousand texts of the largest size, each from an address of its own, and all that is kept with them."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    store = documents.Store()

    for number in range(1000):
        text = str(number) + filler * (documents.LARGEST_STORED - 4)
        store.put(sha256(text), text, f"2001:db8::{number:x}")
    del text
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert 0 < len(store) < 300
    assert taken <= store.bytes <= documents.STORED_BYTES


def test_nothing_of_what_was_dropped_is_kept():
    """Neither texts nor addresses."""
    store = documents.Store(most=1500)
    for number in range(50):
        store.put(str(number), "{ a }", f"1.1.1.{number}")

    assert {len(kept) for kept in (store, store._holders, store._texts, store._weights)} == {1}


@pytest.mark.parametrize("extensions", [{"persistedQuery": {"sha256Hash": 5}}, {"persistedQuery": {"sha256Hash": "é"}}])
def test_a_hash_of_the_wrong_form_is_refused(post, extensions):
    """Clearly."""
    assert post(extensions=extensions).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("extensions", [{"persistedQuery": None}, {"clientLibrary": {"name": "@apollo/client"}}, {}])
def test_other_extensions_are_nothing(post, extensions):
    """Trap 38: Apollo Client 4 sends its name with every call."""
    assert post(query=QUERY, extensions=extensions).data["__typename"] == "Query"


MANIFESTS = {
    "graphql-codegen": {sha256(QUERY): QUERY},
    "Relay": {"e7f8c1": QUERY},
    "Apollo": {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": sha256(QUERY), "name": "Q", "type": "query", "body": QUERY}],
    },
}


@pytest.fixture(params=MANIFESTS)
def trusted(request, settings, tmp_path):
    """A manifest in each tool's format; gives the id of QUERY."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFESTS[request.param]))
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, trusted_documents=str(path))
    return "e7f8c1" if request.param == "Relay" else sha256(QUERY)


@pytest.mark.parametrize("form", ["persistedQuery", "documentId", "doc_id"])
def test_a_trusted_document_runs_by_its_id(post, trusted, form):
    """However the client's library sends it."""
    body = {"extensions": by_hash(trusted)} if form == "persistedQuery" else {form: trusted}

    assert post(**body).data["__typename"] == "Query"


def test_a_trusted_document_runs_by_its_text(post, trusted):
    """For clients that send the text as it was built."""
    assert post(query=QUERY).data["__typename"] == "Query"


def test_nothing_else_runs(post, trusted):
    """Not by text, not by an unknown id, not by registering a hash."""
    other = "{ __typename }"

    assert post(query=other).codes == ["FORBIDDEN"]
    assert post(documentId="unknown").codes == ["PERSISTED_QUERY_NOT_FOUND"]
    assert post(query=other, extensions=by_hash(sha256(other))).codes == ["PERSISTED_QUERY_NOT_FOUND"]
