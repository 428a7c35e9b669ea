"""Answers of passkeys that are nonsense, over HTTP: a typed refusal, never a 5xx, in little time (S45, S80)."""

import json
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from accounts.tokens.models import Session
from tests.api import ME
from tests.authenticator import Authenticator, b64
from tests.browser import Browser
from tests.factories import make_account
from tests.http.test_cost import MULTIPLE, SECONDS, TRIES, send
from tests.http.worst import Worst
from tests.passkeys.calls import ADD, SIGN_IN, answer, asked, begun, creation
from tests.providers.stored import nothing_changes

CODES = {"PASSKEY_REJECTED", "INVALID_CHALLENGE", "TOO_LONG"}
LONG = 100_000
PARTS = ("clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject", "transports")


@pytest.fixture
def right(graphql, token, passkey, authenticator) -> dict[str, tuple[str, dict[str, Any], str | None]]:
    """A right call of each mutation: its text, its input, and its Bearer token."""
    return {
        "tokenAuthWithPasskey": (SIGN_IN, {"passkey": answer(asked(graphql), authenticator)}, None),
        "addPasskey": (ADD, creation(begun(graphql, token), Authenticator()), token),
    }


def body_of(query: str, given: dict[str, Any]) -> bytes:
    """The body of the call."""
    return json.dumps({"query": query, "variables": {"input": given}}).encode()


def sent(mutation: str, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
    """Status and answer, by a client that does not raise what a server would answer."""
    headers = {"Accept": "application/graphql-response+json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    browser = Browser(raise_request_exception=False)
    response = browser.post("/graphql", body, content_type="application/json", headers=headers)
    return response.status_code, json.loads(response.content)


def is_refused(mutation: str, status: int, found: dict[str, Any]) -> bool:
    """Whether it is, with one of our codes."""
    if status in {400, 413}:
        return "data" not in found
    codes = {error["code"] for error in found["data"][mutation]["errors"]}
    return status == 200 and bool(codes) and codes <= CODES


def with_response(given: dict[str, Any], response: object) -> dict[str, Any]:
    """The input with another answer."""
    if "passkey" in given:
        return {"passkey": {**given["passkey"], "response": response}}
    return {**given, "response": response}


def response_of(given: dict[str, Any]) -> dict[str, Any]:
    """The answer in the input."""
    found: dict[str, Any] = (given.get("passkey") or given)["response"]
    return found


WHOLE = {
    "null": None,
    "a text": "x",
    "a long text": "x" * LONG,
    "a number": 5,
    "a list": [],
    "an empty object": {},
    "a deep list": json.loads("[" * 200 + "]" * 200),
    "a deep object": json.loads('{"response":' * 200 + "1" + "}" * 200),
    "many fields": {f"k{n}": 0 for n in range(5000)},
    "many transports": {"response": {"transports": ["usb"] * 5000}},
    "NUL": {"id": "\0", "rawId": "\0", "type": "public-key", "response": {}},
}


@pytest.mark.parametrize("mutation", ["tokenAuthWithPasskey", "addPasskey"])
@pytest.mark.parametrize("name", WHOLE)
def test_no_answer_as_a_whole(right, mutation, name):
    """Of any shape and size."""
    query, given_, token = right[mutation]

    with nothing_changes():
        assert is_refused(mutation, *sent(mutation, body_of(query, with_response(given_, WHOLE[name])), token))


@pytest.mark.parametrize("mutation", ["tokenAuthWithPasskey", "addPasskey"])
@pytest.mark.parametrize("value", ["x" * LONG, "\0", "é", "", 5, None, [], {"a": 1}, True], ids=lambda v: repr(v)[:12])
def test_no_part_of_an_answer(right, mutation, value):
    """Each part that counts, alone."""
    query, given_, token = right[mutation]
    response = response_of(given_)
    counting = [part for part in PARTS if part in response["response"] and part not in {"transports", "userHandle"}]
    if mutation == "addPasskey":
        # It is in the attestation object, too; only there it counts.
        counting.remove("authenticatorData")

    with nothing_changes():
        for part in counting:
            changed = {**response, "response": {**response["response"], part: value}}
            assert is_refused(mutation, *sent(mutation, body_of(query, with_response(given_, changed)), token)), part
        for name in ("id", "rawId", "type", "response"):
            changed = {**response, name: value}
            assert is_refused(mutation, *sent(mutation, body_of(query, with_response(given_, changed)), token)), name


@pytest.mark.parametrize("mutation", ["tokenAuthWithPasskey", "addPasskey"])
def test_a_lone_surrogate_is_400(right, mutation):
    """RFC 7493 §2.1."""
    query, given_, token = right[mutation]
    body = body_of(query, with_response(given_, {**response_of(given_), "id": "SURROGATE"}))

    with nothing_changes():
        status, found = sent(mutation, body.replace(b"SURROGATE", rb"\ud800"), token)

    assert (status, found["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("mutation", ["tokenAuthWithPasskey", "addPasskey"])
def test_the_same_key_twice(right, mutation):
    """The last one counts, as everywhere: here it is wrong."""
    query, given_, token = right[mutation]
    body = body_of(query, given_).replace(b'"type": "public-key"', b'"type": "public-key", "type": "x"')

    with nothing_changes():
        assert is_refused(mutation, *sent(mutation, body, token))


@pytest.fixture
def unit(graphql, client, account, sign_in) -> float:
    """CPU seconds of `me`."""
    token = sign_in(account).access_token
    me = Worst("me", json.dumps({"query": ME}).encode())
    return min(send(client, me, Authorization=f"Bearer {token}")[1] for _ in range(10))


COSTLY = {
    "the longest parts": lambda response: {
        **response,
        "response": dict.fromkeys(response["response"], "A" * 30000),
    },
    "the longest parts that are read": lambda response: {
        **response,
        "response": {
            **response["response"],
            "clientDataJSON": b64(b'{"a":' * 800),
            "attestationObject": b64(b"\x81" * 12_000),
            "authenticatorData": b64(b"\xc0" * 6_000),
            "signature": "A" * 2048,
        },
    },
    "a long id": lambda response: {**response, "id": "A" * 60_000, "rawId": "A" * 60_000},
    "an id that is unknown": lambda response: {**response, "id": "A" * 1364, "rawId": "A" * 1364},
    "a huge number in CBOR": lambda response: {
        **response,
        "response": {**response["response"], "attestationObject": b64(b"\xc2\x59\x2e\xe0" + b"\xff" * 12_000)},
    },
    "many keys in CBOR": lambda response: {
        **response,
        "response": {
            **response["response"],
            "attestationObject": b64(cbor2.dumps(dict.fromkeys(range(3500), 0))),
        },
    },
}


@pytest.mark.parametrize(
    ("mutation", "name"),
    [("addPasskey", name) for name in COSTLY]
    + [("tokenAuthWithPasskey", name) for name in COSTLY if "CBOR" not in name],
)
def test_the_worst_answers_cost_little(right, client, unit, mutation, name):
    """S80: with a right ceremony, so that they are looked at; in CPU time of the thread."""
    query, given_, token = right[mutation]
    body = body_of(query, with_response(given_, COSTLY[name](response_of(given_))))
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    for _ in range(TRIES):
        response, seconds = send(client, Worst(name, body), **headers)
        if seconds <= MULTIPLE * unit:
            break

    assert is_refused(mutation, response.status_code, response.json())
    assert seconds <= max(MULTIPLE * unit, SECONDS)


@pytest.mark.parametrize("length", [0, 1, 4096, 4097, 60_000])
def test_a_token_of_any_length(right, length):
    """It is not even decrypted beyond a bound."""
    for mutation, (query, given_, token) in right.items():
        made_up = "A" * length
        changed = (
            {"passkey": {**given_["passkey"], "challengeToken": made_up}}
            if "passkey" in given_
            else {**given_, "challengeToken": made_up}
        )
        with nothing_changes():
            status, found = sent(mutation, body_of(query, changed), token)
            assert [error["code"] for error in found["data"][mutation]["errors"]] == ["INVALID_CHALLENGE"], status


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=40),
    lambda inner: strategies.lists(inner, max_size=4) | strategies.dictionaries(strategies.text(max_size=12), inner),
    max_leaves=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(response=JSON | strategies.fixed_dictionaries({"type": JSON, "id": JSON, "rawId": JSON, "response": JSON}))
def test_whatever_is_sent_as_an_answer(right, response):
    """S45: any JSON. A text that UTF-8 cannot hold is a 400."""
    for mutation, (query, given_, token) in right.items():
        status, found = sent(mutation, body_of(query, with_response(given_, response)), token)

        assert is_refused(mutation, status, found), found
    assert Session.objects.count() == 1


def test_another_accounts_answers_are_as_wrong(graphql, right, sign_in):
    """The same nonsense by somebody who is signed in elsewhere changes nothing, too."""
    query, given_, _token = right["addPasskey"]
    other = sign_in(make_account(email_verified=True)).access_token

    with nothing_changes():
        assert is_refused("addPasskey", *sent("addPasskey", body_of(query, given_), other))
