"""The journeys of a holder and of a thief over real HTTP: look, prove, end, with two browsers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.api import PASSWORD, REFRESH, REGISTER, TOKEN_AUTH, codes
from tests.live import Live, serving
from tests.reauthentication.test_reauthenticate import REAUTHENTICATE
from tests.tokens.test_sessions import END, END_ALL, IPHONE

LOOK = "{ me { sessions { nodes { id device isCurrent reauthenticatedUntil } } } }"
UNLINK = 'mutation { unlinkSocialAccount(input: {id: "none"}) { errors { code } } }'
"""Sensitive, and fails in any case."""
ADA = {"email": "ada@example.com", "password": PASSWORD}
SECONDS = 2
"""A proof is recent for so long here."""

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with an account."""
    with serving(tmp_path_factory.mktemp("live"), REAUTHENTICATION_LIFETIME=str(SECONDS)) as server:
        given = {**ADA, "username": "ada", "firstName": "Ada"}
        assert codes(server.post(REGISTER, input=given)[1]["data"]["register"]) == []
        yield server


def browser(live: Live, agent: str) -> Ask:
    """Sign in with the cookie transport: `ask(query, **variables)` gives status and data, and keeps new tokens."""
    session = requests.Session()
    session.headers.update({"User-Agent": agent, "Origin": live.url, "X-Requested-With": "fetch"})

    def ask(query: str, **variables: Any) -> tuple[int, Any]:
        sent = {"query": query, "variables": variables}
        answer = session.post(f"{live.url}/graphql", json=sent, timeout=60)
        return answer.status_code, answer.json().get("data")

    def ask_and_keep(query: str, **variables: Any) -> tuple[int, Any]:
        status, data = ask(query, **variables)
        for payload in (data or {}).values():
            if payload and payload.get("tokens"):
                assert payload["tokens"]["refreshToken"] is None
                session.headers["Authorization"] = f"Bearer {payload['tokens']['accessToken']}"
        return status, data

    assert codes(ask_and_keep(TOKEN_AUTH, input={**ADA, "refreshTokenTransport": "COOKIE"})[1]["tokenAuth"]) == []
    return ask_and_keep


def test_a_holder_ends_the_session_of_a_thief(live):
    """S21, S89: sees it by its device, and ends it at once, however stale their own session is."""
    holder, thief = browser(live, IPHONE), browser(live, "curl/8.5.0")

    nodes = holder(LOOK)[1]["me"]["sessions"]["nodes"]
    assert [(node["device"], node["isCurrent"]) for node in nodes[:2]] == [("curl", False), ("Safari on iPhone", True)]
    assert codes(holder(END, input={"id": nodes[0]["id"]})[1]["revokeSession"]) == []

    assert thief(LOOK)[0] == 401
    assert codes(thief(REFRESH)[1]["refreshToken"]) == ["INVALID_GRANT"]
    assert holder(LOOK)[0] == 200


def test_a_stale_session_is_opened_by_a_proof_alone(live):
    """S88, S24: not by the token, not by a refresh, not by a wrong password."""
    ask = browser(live, IPHONE)
    wait_until_stale(ask)

    wrong = ask(REAUTHENTICATE, input={"credential": {"password": "wrong"}})[1]["reauthenticate"]
    assert codes(wrong) == ["INVALID_CREDENTIALS"]
    assert codes(ask(REFRESH)[1]["refreshToken"]) == []
    assert unlink(ask) == ["REAUTHENTICATION_REQUIRED"]

    right = ask(REAUTHENTICATE, input={"credential": {"password": PASSWORD}})[1]["reauthenticate"]
    assert right == {"expiresIn": SECONDS, "errors": []}
    assert unlink(ask) == ["NOT_FOUND"]


def unlink(ask: Ask) -> list[str]:
    """The codes of a sensitive change."""
    return codes(ask(UNLINK)[1]["unlinkSocialAccount"])


def wait_until_stale(ask: Ask) -> None:
    """Ask until the last proof is not recent any more."""
    for _ in range(10_000):
        if unlink(ask) == ["REAUTHENTICATION_REQUIRED"]:
            return
    raise AssertionError


def test_signing_out_everywhere_ends_all_browsers(live):
    """S21: and clears the cookie of the one that asks."""
    browsers = [browser(live, IPHONE) for _ in range(2)]

    assert browsers[0](END_ALL)[1]["revokeAllSessions"]["revokedCount"] >= 2

    assert [ask(LOOK)[0] for ask in browsers] == [401, 401]
    for ask in browsers:
        assert codes(ask(REFRESH)[1]["refreshToken"]) == ["INVALID_GRANT"]
