"""Redis may go away: nothing is remembered then, and nothing fails."""

import logging
import time

import pytest
from django.core.cache import cache, caches

from tests.api import CONVERT, ME
from tests.live import free_port

AWAY = {
    "default": {
        "BACKEND": "project.cache.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}


@pytest.fixture
def away(settings):
    """Nobody listens."""
    settings.CACHES = AWAY
    yield
    caches.close_all()


def test_nothing_is_remembered_and_nothing_fails(away, caplog):
    """And each time is in the log, without what was asked."""
    caplog.set_level(logging.WARNING)
    begun = time.monotonic()

    cache.set("secret", 1)
    assert cache.get("secret", "default") == "default"
    assert cache.add("secret", 1) is False

    assert time.monotonic() - begun < 5
    assert caplog.messages == ["cache away: ConnectionError"] * 3


def test_a_sign_in_through_a_provider_works_all_the_same(providers, away, graphql):
    """Discovery and keys are asked for each time; single use is in the database."""
    tokens = [providers["openid"].id_token(jti=str(number)) for number in range(2)]
    for token in (*tokens, tokens[0]):
        credential = {"idToken": token}
        payload = graphql(CONVERT, input={"provider": "corp", "credential": credential}).data["convertSocialToken"]
        assert [error["code"] for error in payload["errors"]] == ([] if payload["tokens"] else ["PROVIDER_REJECTED"])

    assert not payload["tokens"]
    assert providers.paths == ["openid-configuration", "jwks"] * 3


def test_queries_work_all_the_same(away, graphql):
    """Persisted queries are looked for in vain, which clients know how to handle."""
    assert graphql(ME).data == {"me": None}
