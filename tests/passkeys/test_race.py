"""S76, S38: of simultaneous answers one succeeds, on the database that DATABASE_URL names."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.api import PASSWORD, TOKEN_AUTH
from tests.authenticator import Authenticator
from tests.e2e.test_refresh_race import at_once
from tests.live import UNLIMITED, Live, serving
from tests.passkeys.calls import ADD, ASK, BEGIN, REMOVE, SIGN_IN

AT_ONCE = 6
ORIGIN = "http://localhost:5173"
"""A front end that development allows."""
MAKE = f"""
from accounts.people.models import Account
fields = {{"username": "ada", "first_name": "Ada", "email_verified": True}}
Account.objects.create_user(email="ada@example.com", password="{PASSWORD}", **fields)
"""
NO_PASSWORD = "from accounts.people.models import Account; Account._base_manager.update(password='!')"


@pytest.fixture
def live(tmp_path) -> Iterator[Live]:
    """Four processes with eight threads each, and somebody with a verified address."""
    with serving(tmp_path, WORKERS="4", THREADS="8", **UNLIMITED) as server:
        server.manage("shell", "--no-imports", "-c", MAKE)
        yield server


@pytest.fixture
def post(live):
    """The payload of a mutation, which is never a server error."""

    def send(query: str, token: str | None = None, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, body = live.post(query, headers=headers, input=given)
        assert status == 200, body
        [payload] = body["data"].values()
        return payload

    return send


@pytest.fixture
def token(post) -> str:
    """Ada's access token."""
    tokens = post(TOKEN_AUTH, email="ada@example.com", password=PASSWORD)["tokens"]
    return str(tokens["accessToken"])


def outcomes(payloads: list[Any]) -> Counter[str]:
    """How often each code; empty for a success."""
    return Counter(error["code"] for payload in payloads for error in payload["errors"] or [{"code": ""}])


def creation(post, token: str, authenticator: Authenticator) -> dict[str, Any]:
    """The input of a new passkey."""
    ceremony = post(BEGIN, token)["ceremony"]
    return {"challengeToken": ceremony["token"], "response": authenticator.create(ceremony["options"])}


def assertion(post, authenticator: Authenticator) -> dict[str, Any]:
    """The input of a sign-in."""
    ceremony = post(ASK)["ceremony"]
    return {"passkey": {"challengeToken": ceremony["token"], "response": authenticator.get(ceremony["options"])}}


def test_a_passkey_is_added_once(post, token):
    """The same answer several times."""
    given = creation(post, token, Authenticator(origin=ORIGIN))

    found = outcomes(at_once(*[partial(post, ADD, token, **given)] * AT_ONCE))

    assert found == {"": 1, "INVALID_CHALLENGE": AT_ONCE - 1}


def test_an_answer_signs_in_once(post, token):
    """S76: also where the authenticator does not count."""
    authenticator = Authenticator(origin=ORIGIN)
    assert post(ADD, token, **creation(post, token, authenticator))["errors"] == []
    given = assertion(post, authenticator)

    found = outcomes(at_once(*[partial(post, SIGN_IN, **given)] * AT_ONCE))

    assert found == {"": 1, "INVALID_CHALLENGE": AT_ONCE - 1}


def test_one_count_signs_in_once(post, token):
    """Of the same count in several ceremonies, which a copied passkey would show, one is accepted."""
    authenticator = Authenticator(origin=ORIGIN, counts=True)
    assert post(ADD, token, **creation(post, token, authenticator))["errors"] == []
    same = []
    for _ in range(AT_ONCE):
        authenticator.credentials[0].sign_count = 7
        same.append(partial(post, SIGN_IN, **assertion(post, authenticator)))

    found = outcomes(at_once(*same))

    assert found == {"": 1, "PASSKEY_REJECTED": AT_ONCE - 1}


def test_of_the_last_two_one_stays(live, post, token):
    """S38: each could go alone."""
    added = [post(ADD, token, **creation(post, token, Authenticator(origin=ORIGIN)))["passkey"] for _ in range(2)]
    live.manage("shell", "--no-imports", "-c", NO_PASSWORD)

    found = outcomes(at_once(*[partial(post, REMOVE, token, id=passkey["id"]) for passkey in added]))

    assert found == {"": 1, "LAST_SIGN_IN_METHOD": 1}
