"""First sign-ins of one person at once, against a real server on the database that DATABASE_URL names."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api import CONVERT
from tests.live import Live, serving

AT_ONCE = 8
USERS = "{ users { edges { node { id } } } }"


@pytest.fixture
def live(providers, tmp_path):
    """Two processes and the local providers. All of us find a place in either: it has a quarter of the threads."""
    with serving(tmp_path, WORKERS="2", THREADS=str(4 * (AT_ONCE + 1)), **providers.environment) as server:
        yield server


def convert(live: Live, access_token: str) -> Any:
    """The payload of a sign-in."""
    credential = {"accessToken": access_token}
    status, body = live.post(CONVERT, input={"provider": "google", "credential": credential})
    assert status == 200
    return body["data"]["convertSocialToken"]


@pytest.mark.parametrize("addresses", [1, AT_ONCE])
def test_simultaneous_first_sign_ins_are_one_account_and_all_succeed(live, providers, addresses):
    """Two tabs, or an impatient double click: nobody is told that an account exists which is their own.

    Neither if the address was changed at the provider just then, so that only the subject is the same.
    """
    together = threading.Barrier(AT_ONCE, timeout=30)
    providers.before_answering = lambda endpoint: together.wait() if endpoint == "userinfo" else None

    for person in range(3):
        tokens = [
            providers.google_token(sub=str(person), email=f"person{person}.{number % addresses}@example.com")
            for number in range(AT_ONCE)
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            payloads = list(pool.map(lambda token: convert(live, token), tokens))

        assert [payload["errors"] for payload in payloads] == [[]] * AT_ONCE
        assert len({payload["account"]["id"] for payload in payloads}) == 1
        assert sorted(payload["isNewAccount"] for payload in payloads) == [False] * (AT_ONCE - 1) + [True]
        assert len({payload["tokens"]["refreshToken"] for payload in payloads}) == AT_ONCE
        assert len(live.post(USERS)[1]["data"]["users"]["edges"]) == person + 1
