"""What a stranger can make a worker do, and keep, with one request."""

import gc
import time
import tracemalloc
from typing import Any

import pytest
from graphql import parse

from accounts.conf import Limits
from accounts.people.models import Account
from project.stack import in_one_piece
from schema.http.responses import LONGEST_MESSAGE
from schema.language.gate import CACHED_BYTES, MAX_ERRORS, _known, _prepare
from schema.root import schema
from tests.http.worst import WITHIN, WORST, Worst

MULTIPLE = 50
"""Of `me`, at most (S80). Most take a tenth of that."""
SECONDS = 0.5
"""On a machine so busy that the multiple says nothing. What was mended took from 0.3 s to minutes."""
TRIES = 5


@in_one_piece  # as project/wsgi.py does
def send(client: Any, sent: Worst, **headers: str) -> tuple[Any, float]:
    """The answer, and CPU seconds, as if the document was new."""
    for name, value in sent.headers:
        # As gunicorn joins them.
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    _known.clear()
    begun = time.thread_time()
    content_type = headers.pop("Content-Type", "")
    response = client.generic(sent.method, sent.path, sent.body, content_type=content_type, headers=headers)
    return response, time.thread_time() - begun


@pytest.fixture(scope="module")
def measured():
    """CPU seconds of `me`, once known."""
    return []


@pytest.fixture
def unit(client, default_client, measured, request):
    """CPU seconds of `me`."""
    if not measured:
        token = request.getfixturevalue("signed_in").access_token
        me = Worst("me", b'{"query": "{ me { id email username } }"}')
        measured.append(min(send(client, me, Authorization=f"Bearer {token}")[1] for _ in range(10)))
    return measured[0]


@pytest.mark.parametrize("sent", WORST, ids=lambda sent: sent.name)
def test_no_request_of_a_stranger_costs_more_than_fifty_times_me(client, unit, sent):
    """S80, S41: the worst texts that we know, in CPU time of the thread; the hash is set to next to nothing."""
    if "users" in sent.name:
        people = [Account(email=f"a{n}@example.com", username=f"a{n}", username_key=f"a{n}") for n in range(100)]
        Account.objects.bulk_create(people)

    for _ in range(TRIES):
        response, seconds = send(client, sent)
        if seconds <= MULTIPLE * unit:
            break

    assert response.status_code < 500
    assert seconds <= max(MULTIPLE * unit, SECONDS)


@pytest.mark.parametrize("sent", WITHIN, ids=lambda sent: sent.name)
def test_messages_are_few_and_short(client, default_client, sent):
    """S80, trap 51: none prints a literal at length."""
    errors = send(client, sent)[0].json().get("errors", [])

    # graphql-core's own bound for variables is 50.
    assert len(errors) <= (51 if "variables" in sent.name else MAX_ERRORS + 1)
    assert all(len(error["message"]) <= LONGEST_MESSAGE for error in errors)


def test_refused_documents_are_not_kept(client, default_client):
    """S92: who sends broken ones sends each but once, and ten of 40 kB once took 1.2 GB."""
    send(client, Worst("ten", b'{"query": "{ __typename }"}'))
    kept = _known.currsize

    for number in range(10):
        refused = b'{"query": "{ %s }"}' % b" ".join(b"nope%d_%d" % (number, field) for field in range(300))
        assert client.post("/graphql", refused, content_type="application/json").status_code == 400

    assert (len(_known), _known.currsize) == (1, kept)


def test_accepted_documents_are_kept_within_a_bound(client, default_client):
    """S92: the largest ones, each different, fill no more than the cache; what was sent last is known."""
    _known.clear()
    values = " ".join(f'"{number}"' for number in range(240))
    texts = [f"{{ nodes(ids: [{values}]) {{ id }} }} #{number}\n" + "#\n" * 1500 for number in range(30)]

    for text in texts:
        assert client.post("/graphql", {"query": text}, content_type="application/json").status_code == 200
        assert sum(prepared.size for prepared in _known.values()) <= CACHED_BYTES

    assert 10 <= len(_known) < len(texts)
    assert [key for key in _known if key[1] == texts[-1]]


def kept_for(text: str) -> tuple[Any, int]:
    """The prepared operation, and the bytes that it takes."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    prepared = _prepare(schema._schema, text, Limits(), introspection=False)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return prepared, taken


@pytest.mark.parametrize(
    "text",
    [
        "{ me { id } }",
        "{" + "__typename " * 60 + "}",
        "#\n" * 1900 + "{ me { id } }",
        "{ nodes(ids: [" + '"" ' * 240 + "]) { id } }",
        '{ nodes(ids: ["' + "\u4e00" * 20_000 + '"]) { id } }',
        "{" + "...{" * 180 + "me{id}" + "}" * 180 + "}",
        "query " + "".join(f"q{n}{{ __typename }} query " for n in range(250)) + "q { __typename }",
    ],
    ids=["small", "fields", "comments", "values", "wide characters", "nesting", "operations"],
)
def test_the_cache_counts_what_it_keeps(text):
    """S92: by the memory that a tree takes, not by its text."""
    _prepare(schema._schema, text, Limits(), introspection=False)  # what Python makes once
    # The least of three: threads that other tests have left behind allocate memory too.
    prepared, taken = min((kept_for(text) for _ in range(3)), key=lambda found: found[1])

    assert prepared.errors == []
    assert taken <= prepared.size <= CACHED_BYTES / 8


@pytest.mark.parametrize("filler", ['(c: "%")', "#%\n"], ids=["a string", "a comment"])
def test_no_depth_makes_reading_slower(filler):
    """S80: where a piece of Python's stack ends, each call of a loop would ask the system for memory."""
    text = "a " + filler.replace("%", "x" * 20_000)
    parsed = in_one_piece(parse)

    def seconds(depth: int) -> float:
        begun = time.thread_time()
        parsed("{" + "a{" * depth + text + "}" * depth + "}")
        return time.thread_time() - begun

    # The border is somewhere within a hundred calls; it cost fifty times the usual.
    spent = [min(seconds(depth), seconds(depth)) for depth in range(120)]
    assert max(spent) <= 15 * sorted(spent)[60]
