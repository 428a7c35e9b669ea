"""Persisted queries and trusted documents."""

import dataclasses
import hashlib
import json

import pytest
from django.core.cache import cache

from schema.http import documents
from tests.api import Answer

QUERY = "{ me { id } __typename }"


def sha256(text: str) -> str:
    """In hex, as Apollo sends it."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def post(default_client, client):
    """Post a body as it is."""
    cache.clear()

    def call(method="post", **body):
        if method == "get":
            response = client.get("/graphql", {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()})
        else:
            response = client.post("/graphql", json.dumps(body), content_type="application/json")
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


def test_the_store_holds_a_limited_number(post, monkeypatch):
    """A newcomer takes the place of another; nobody can fill the cache."""
    monkeypatch.setattr(documents, "SLOTS", 4)
    queries = [f"{{ a{number}: __typename }}" for number in range(40)]
    for query in queries:
        post(query=query, extensions=by_hash(sha256(query)))

    known = [query for query in queries if not post(extensions=by_hash(sha256(query))).codes]

    assert 1 <= len(known) <= 4


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
