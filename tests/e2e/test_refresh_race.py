"""Refreshes that race, against a real server with several processes, on the database that DATABASE_URL names."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.api import PASSWORD, REFRESH, REGISTER, REVOKE
from tests.live import UNLIMITED, Live, serving

AT_ONCE = 20
ROUNDS = 10
REVOKE_ALL = "mutation { revokeAllSessions { revokedCount } }"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Four processes with eight threads each."""
    with serving(tmp_path_factory.mktemp("live"), WORKERS="4", THREADS="8", **UNLIMITED) as server:
        yield server


def register(live: Live, **fields: str) -> tuple[int, dict]:
    """Status and payload of a registration."""
    values = {
        "email": "ada@example.com",
        "username": "ada",
        "firstName": "Ada",
        "password": PASSWORD,
        **fields,
    }
    status, body = live.post(REGISTER, input=values)
    return status, body["data"]["register"]


def refresh(live: Live, token: str) -> tuple[int, dict]:
    """Status and payload of a refresh."""
    status, body = live.post(REFRESH, input={"refreshToken": token})
    return status, body["data"]["refreshToken"]


def refresh_by_rest(live: Live, token: str) -> tuple[int, dict]:
    """Likewise, at `/o/token/`."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "web"}
    try:
        with urlopen(Request(f"{live.url}/o/token/", urlencode(form).encode()), timeout=60) as response:
            pair = json.load(response)
            return response.status, {"accessToken": pair["access_token"], "refreshToken": pair["refresh_token"]}
    except HTTPError as error:
        with error:
            return error.code, {}


def at_once(*calls) -> list:
    """The results of calls that begin together."""
    barrier = threading.Barrier(len(calls))

    def begin(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def test_simultaneous_refreshes_give_one_pair_and_a_live_session(live):
    """S18: 20 at once, 10 rounds: no 5xx, no blank token, one successor pair a round, the session survives."""
    token = register(live)[1]["tokens"]["refreshToken"]

    for _ in range(ROUNDS):
        answers = at_once(*[partial(refresh, live, token)] * AT_ONCE)
        assert {status for status, _ in answers} == {200}
        assert [payload["errors"] for _, payload in answers] == [[]] * AT_ONCE
        pairs = {(p["tokens"]["accessToken"], p["tokens"]["refreshToken"]) for _, p in answers}
        assert len(pairs) == 1
        access, token = pairs.pop()
        assert access and token
    assert live.post("{ me { email } }", headers={"Authorization": f"Bearer {access}"})[1]["data"]["me"]


def test_late_repeats_of_a_lost_answer_all_get_it(live):
    """S68: at once, after the successor was never used: the same pair for all."""
    first = register(live, email="lost@example.com", username="lost")[1]["tokens"]["refreshToken"]
    lost = refresh(live, first)[1]["tokens"]
    live.manage("shell", "-c", AGE_REVOCATIONS)

    answers = at_once(*[partial(refresh, live, first)] * AT_ONCE)

    assert {(s, p["tokens"]["refreshToken"]) for s, p in answers} == {(200, lost["refreshToken"])}


def test_a_thiefs_replays_that_race_the_victim_leave_nothing_usable(live):
    """S17, trap 12b: replays of an old token racing refreshes of the live one never bring a family back to life."""
    for number in range(8):
        old = register(live, email=f"victim{number}@example.com", username=f"victim{number}")[1]["tokens"]
        middle = refresh(live, old["refreshToken"])[1]["tokens"]
        current = refresh(live, middle["refreshToken"])[1]["tokens"]

        answers = at_once(
            *[partial(refresh, live, old["refreshToken"])] * 6,
            *[partial(refresh, live, current["refreshToken"])] * 6,
        )

        assert {status for status, _ in answers} == {200}
        found = {p["tokens"]["refreshToken"] for _, p in answers if p["tokens"]} | {current["refreshToken"]}
        accesses = {p["tokens"]["accessToken"] for _, p in answers if p["tokens"]} | {current["accessToken"]}
        assert all(refresh(live, token)[1]["tokens"] is None for token in found)
        headers = [{"Authorization": f"Bearer {token}"} for token in accesses]
        assert {live.post("{ me { id } }", headers=h)[0] for h in headers} == {401}


@pytest.mark.parametrize("end", ["revokeToken", "revokeAllSessions"])
def test_refreshes_that_race_the_end_of_their_session_leave_nothing_usable(live, end):
    """S19, S21: by GraphQL and by REST: no 5xx, and whatever pair was answered is dead."""
    for number in range(4):
        name = f"{end}{number}"
        tokens = register(live, email=f"{name}@example.com", username=name)[1]["tokens"]
        token, headers = tokens["refreshToken"], {"Authorization": f"Bearer {tokens['accessToken']}"}
        sign_out = {
            "revokeToken": partial(live.post, REVOKE, input={"token": token}),
            "revokeAllSessions": partial(live.post, REVOKE_ALL, headers=headers),
        }

        answers = at_once(
            *[partial(refresh, live, token)] * 4, *[partial(refresh_by_rest, live, token)] * 4, sign_out[end]
        )

        assert {status for status, _ in answers[:4]} == {200}
        assert {status for status, _ in answers[4:8]} <= {200, 400}
        # A refresh may have ended the token that signs out.
        assert answers[8][0] in {200, 401}
        live.post(REVOKE, input={"token": token})
        pairs = [p["tokens"] for _, p in answers[:4] if p["tokens"]] + [p for s, p in answers[4:8] if s == 200]
        for access, again in {(pair["accessToken"], pair["refreshToken"]) for pair in pairs}:
            assert live.post("{ me { id } }", headers={"Authorization": f"Bearer {access}"})[0] == 401
            assert refresh(live, again)[1]["tokens"] is None


def test_late_repeats_that_race_the_first_use_are_all_answered_or_all_end_the_session(live):
    """S68: use and repeats wait for each other at the session: no 5xx, and nothing is answered after the session."""
    names = [f"racer{number}" for number in range(8)]
    firsts = [register(live, email=f"{name}@example.com", username=name)[1]["tokens"] for name in names]
    pairs = [(first, refresh(live, first["refreshToken"])[1]["tokens"]) for first in firsts]
    live.manage("shell", "-c", AGE_REVOCATIONS)
    for first, lost in pairs:
        headers = {"Authorization": f"Bearer {lost['accessToken']}"}

        answers = at_once(
            *[partial(refresh, live, first["refreshToken"])] * 6,
            *[partial(live.post, "{ me { id } }", headers=headers)] * 6,
        )

        repeats, uses = answers[:6], answers[6:]
        assert {status for status, _ in repeats} == {200}
        assert {status for status, _ in uses} <= {200, 401}
        answered = {p["tokens"]["refreshToken"] if p["tokens"] else None for _, p in repeats}
        assert answered in ({lost["refreshToken"]}, {None})
        alive = live.post("{ me { id } }", headers=headers)[0] == 200
        assert alive == (answered != {None})
        assert (refresh(live, lost["refreshToken"])[1]["tokens"] is not None) == alive


def test_simultaneous_registrations_in_any_case_make_one_account(live):
    """S4: 20 at once with case variants of one address: one account, the others are told, no 5xx."""
    names = [f"person{n}" for n in range(AT_ONCE)]
    variants = [
        "".join(c.upper() if (n >> i) & 1 else c for i, c in enumerate("grace@example.com")) for n in range(AT_ONCE)
    ]

    answers = at_once(
        *[
            lambda e=email, u=name: register(live, email=e, username=u)
            for email, name in zip(variants, names, strict=True)
        ]
    )

    assert {status for status, _ in answers} == {200}
    outcomes = sorted(str([error["code"] for error in payload["errors"]]) for _, payload in answers)
    assert outcomes == ["['EMAIL_TAKEN']"] * (AT_ONCE - 1) + ["[]"]


AGE_REVOCATIONS = """
from datetime import timedelta
from django.utils import timezone
from accounts.tokens.api import RefreshToken
RefreshToken.objects.filter(revoked__isnull=False).update(revoked=timezone.now() - timedelta(hours=3))
"""
