"""S92: providers that do not answer hold a quarter of the threads; a real server, and providers on loopback."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import pytest

from tests.api import AUTH_URL, CONVERT, ME, codes
from tests.live import serving

THREADS = 8
QUARTER = THREADS // 4
MANY = 2 * THREADS
ONLY_GOOGLE = dict.fromkeys(
    ("APPLE_CLIENT_IDS", "FACEBOOK_APP_SECRET", "MICROSOFT_CLIENT_IDS", "GITHUB_CLIENT_SECRET", "OPENID_PROVIDERS"), ""
)
CALLBACK = "http://localhost:5173/callback"
SOON = 60
"""Seconds: for the machine that runs the tests. The provider holds what it is asked until it is told otherwise."""


@pytest.fixture
def hold(providers) -> Iterator[Any]:
    """Let a provider hold what it is asked at an endpoint; `hold.release()` lets it answer."""
    held: set[str] = set()
    released = threading.Event()

    def before_answering(endpoint: str) -> None:
        if endpoint in held:
            released.wait(SOON)

    providers.before_answering = before_answering

    class Hold:
        def __call__(self, endpoint: str) -> None:
            held.add(endpoint)

        def release(self) -> None:
            released.set()

    yield Hold()
    released.set()


@pytest.fixture
def serve(providers, tmp_path):
    """A server process with eight threads that would wait long."""
    given = {"THREADS": str(THREADS), "PROVIDER_TIMEOUT": str(SOON), **providers.environment}
    return lambda **environment: serving(tmp_path, **{**given, **environment})


def convert(live, provider: str, **credential: str) -> list[str]:
    """The codes of a sign-in."""
    body = live.post(CONVERT, input={"provider": provider, "credential": credential})[1]
    return codes(body["data"]["convertSocialToken"])


def auth_url(live, provider: str) -> list[str]:
    """The codes of the beginning of a redirect."""
    body = live.post(AUTH_URL, input={"provider": provider, "redirectUri": CALLBACK})[1]
    return codes(body["data"]["createSocialAuthUrl"])


def told_at_once(futures: list[Future[Any]], count: int) -> list[Any]:
    """The answers of so many, while the provider holds the others."""
    return [future.result() for future in islice(as_completed(futures, timeout=SOON), count)]


def test_strangers_cannot_hold_more_than_a_quarter(serve, providers, hold):
    """Sixteen made-up tokens: two wait for the provider, the others are told at once, and `me` is answered.

    So is who brings an ID token: the keys are remembered, and need no place.
    """
    with serve(**ONLY_GOOGLE) as live, ThreadPoolExecutor(MANY) as pool:
        assert convert(live, "google", idToken=providers["google"].id_token(jti="1")) == []
        providers.asked.clear()
        hold("tokeninfo")
        futures = [pool.submit(convert, live, "google", accessToken=f"ya29.{number}") for number in range(MANY)]

        assert told_at_once(futures, MANY - QUARTER) == [["PROVIDER_UNAVAILABLE"]] * (MANY - QUARTER)
        assert live.post(ME) == (200, {"data": {"me": None}})
        assert convert(live, "google", idToken=providers["google"].id_token(jti="2")) == []
        waiting = [future for future in futures if not future.done()]
        assert len(waiting) == QUARTER
        assert providers.paths == ["tokeninfo"] * QUARTER

        hold.release()
        assert [future.result(SOON) for future in waiting] == [["PROVIDER_REJECTED"]] * QUARTER
        # The places are free again.
        assert convert(live, "google", accessToken=providers.google_token()) == []


def test_who_waits_for_anothers_question_counts_too(serve, providers, hold):
    """One asks for the discovery document, one waits for the same answer: neither serves anybody meanwhile."""
    hold("openid-configuration")
    with serve(**ONLY_GOOGLE) as live, ThreadPoolExecutor(MANY) as pool:
        futures = [pool.submit(auth_url, live, "google") for _ in range(MANY)]

        assert told_at_once(futures, MANY - QUARTER) == [["PROVIDER_UNAVAILABLE"]] * (MANY - QUARTER)
        assert live.post(ME) == (200, {"data": {"me": None}})
        hold.release()
        assert [codes for future in futures if (codes := future.result(SOON)) == []] == [[]] * QUARTER

    assert providers.paths == ["openid-configuration"]


def test_a_slow_provider_leaves_a_place_for_the_others(serve, providers, hold):
    """Somebody signs in through another one while it holds what it was asked."""
    hold("tokeninfo")
    with serve(THREADS="16") as live, ThreadPoolExecutor(MANY) as pool:
        futures = [pool.submit(convert, live, "google", accessToken=f"ya29.{number}") for number in range(MANY)]
        told_at_once(futures, MANY - 3)

        assert convert(live, "corp", idToken=providers["openid"].id_token()) == []
        assert providers.paths.count("tokeninfo") == 3
        hold.release()
