"""Redis may go away, or hang: nothing is remembered then, nothing fails, and nobody waits for it."""

import asyncio
import inspect
import json
import logging
import time
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.base import BaseCache

import project.cache
from tests.api import CONVERT, ME
from tests.live import free_port, serving
from tests.redis_server import configuration, redis_server

KEYS = ["a", "b"]
ABSENT = ValueError
"""What the interface has for a key that is not there."""
NOT_ASKED = {"make_key", "validate_key", "make_and_validate_key", "get_backend_timeout", "close", "aclose"}
INTERFACE = {
    "add": (("a", 1), False),
    "clear": ((), None),
    "decr": (("a",), ABSENT),
    "decr_version": (("a",), ABSENT),
    "delete": (("a",), False),
    "delete_many": ((KEYS,), None),
    "get": (("a", "default"), "default"),
    "get_many": ((KEYS,), {}),
    "get_or_set": (("a", lambda: 7), 7),
    "has_key": (("a",), False),
    "incr": (("a",), ABSENT),
    "incr_version": (("a",), ABSENT),
    "set": (("a", 1), None),
    "set_many": (({"a": 1, "b": 2},), KEYS),
    "touch": (("a",), False),
}
"""Arguments, and what an empty cache that keeps nothing answers."""


@pytest.fixture
def away(settings):
    """Nobody listens."""
    settings.CACHES = configuration(free_port())
    yield
    caches.close_all()


@pytest.fixture
def server(tmp_path):
    """A Redis that can be made to hang."""
    with redis_server(tmp_path) as started:
        yield started


def outcome(name, *arguments):
    """What the method returns; the class of what it raises."""
    try:
        result = getattr(cache, name)(*arguments)
        return asyncio.run(as_coroutine(result)) if inspect.isawaitable(result) else result
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error)


async def as_coroutine(awaitable):
    """For asyncio.run."""
    return await awaitable


def test_the_whole_interface_is_known():
    """A method that a new Django brings is caught here."""
    public = {name for name in vars(BaseCache) if not name.startswith("_") and callable(getattr(BaseCache, name))}

    assert public - NOT_ASKED == INTERFACE.keys() | {f"a{name}" for name in INTERFACE}


@pytest.mark.parametrize("name", [*INTERFACE, *(f"a{name}" for name in INTERFACE)])
def test_it_is_as_empty_while_redis_is_away(away, caplog, name):
    """Each method: right after Redis went away, and while it is left alone."""
    caplog.set_level(logging.WARNING)
    arguments, expected = INTERFACE[name] if name in INTERFACE else INTERFACE[name[1:]]

    assert [outcome(name, *arguments) for _ in range(2)] == [expected] * 2
    assert caplog.messages == ["cache unavailable: ConnectionError"]


def test_a_fault_of_ours_is_told(away):
    """Not everything is Redis's."""
    with pytest.raises(TypeError):
        cache.get()


def test_nothing_is_remembered_and_nothing_fails(away, caplog):
    """It is in the log, without what was asked."""
    caplog.set_level(logging.WARNING)

    cache.set("secret", 1)
    assert cache.get("secret", "default") == "default"
    assert cache.add("secret", 1) is False

    assert caplog.messages == ["cache unavailable: ConnectionError"]


@pytest.fixture
def remembering(server, settings):
    """The cache is that server."""
    settings.CACHES = configuration(server.port)
    yield server
    caches.close_all()


def test_a_thread_builds_one_client(remembering, monkeypatch):
    """Django builds one for each call."""
    built = []
    init = project.cache.Redis.__init__
    monkeypatch.setattr(project.cache.Redis, "__init__", lambda self, **with_: built.append(init(self, **with_)))
    for _ in range(3):
        cache.set("a", 1)
        assert cache.get("a") == 1
        assert cache.run_script("return 1", [], []) == 1

    assert len(built) == 1


def test_redis_that_hangs_is_waited_for_once(remembering, caplog):
    """S92: one call finds out, the others go on at once."""
    cache.set("a", 1)
    remembering.hang()

    assert [cache.get("a", "default") for _ in range(50)] == ["default"] * 50
    # 50 calls that wait take 25 s.
    assert caplog.messages == ["cache unavailable: TimeoutError"]


def test_redis_is_asked_again_once_it_is_back(remembering, monkeypatch):
    """The time to leave it alone is over."""
    cache.set("a", 1)
    remembering.hang()
    assert cache.get("a") is None
    remembering.go_on()
    assert cache.get("a") is None

    monkeypatch.setattr(project.cache.SERVERS, "_retry_at", dict.fromkeys(project.cache.SERVERS._retry_at, 0.0))

    assert [cache.get("a") for _ in range(3)] == [1, 1, 1]


def test_a_refusal_of_redis_is_an_answer(remembering, caplog):
    """It does not make us leave it alone."""
    cache.set("a", "no number")

    assert outcome("incr", "a") is ABSENT
    assert cache.get("a") == "no number"
    assert caplog.messages == ["cache unavailable: ResponseError"]


def test_the_interface_remembers_while_redis_is_there(remembering):
    """Nothing is swallowed."""
    assert cache.add("a", 1) is True
    assert cache.incr("a", 2) == 3
    assert cache.decr("a") == 2
    assert cache.set_many({"b": 5}) == []
    assert cache.get_many(["a", "b", "c"]) == {"a": 2, "b": 5}
    assert cache.touch("a", 60) is True
    assert cache.has_key("a")
    assert cache.incr_version("b") == 2
    assert cache.delete("a") is True
    cache.delete_many(["a", "b"])
    cache.clear()
    assert cache.get("b", version=2) is None


def test_a_sign_in_through_a_provider_works_all_the_same(providers, away, graphql):
    """Discovery and keys are kept in the process; single use is in the database."""
    tokens = [providers["openid"].id_token(jti=str(number)) for number in range(2)]
    for token in (*tokens, tokens[0]):
        credential = {"idToken": token}
        payload = graphql(CONVERT, input={"provider": "corp", "credential": credential}).data["convertSocialToken"]
        assert [error["code"] for error in payload["errors"]] == ([] if payload["tokens"] else ["PROVIDER_REJECTED"])

    assert not payload["tokens"]
    assert providers.paths == ["openid-configuration", "jwks"]


def test_queries_work_all_the_same(away, graphql):
    """Persisted queries are looked for in vain, which clients know how to handle."""
    assert graphql(ME).data == {"me": None}


def persisted_query(url):
    """The code that one which nobody has sent is answered with."""
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    request = Request(f"{url}/graphql", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with suppress(HTTPError), urlopen(request, timeout=60) as response:
        return json.load(response)["errors"][0]["extensions"]["code"]


def test_the_service_goes_on_while_redis_hangs(providers, server, tmp_path):
    """S92, over a real server: persisted queries, and a provider's keys, of which it has heard before."""
    url = f"redis://127.0.0.1:{server.port}/0"
    with serving(tmp_path, CACHE_URL=url, THREADS="8", **providers.environment) as live:

        def sign_in(number):
            credential = {"idToken": providers["openid"].id_token(jti=str(number))}
            return live.post(CONVERT, input={"provider": "corp", "credential": credential})[1]["data"]

        assert sign_in(0)["convertSocialToken"]["errors"] == []
        server.hang()
        begun = time.monotonic()
        for number in range(1, 11):
            assert sign_in(number)["convertSocialToken"]["errors"] == []
            assert persisted_query(live.url) == "PERSISTED_QUERY_NOT_FOUND"
        passed = time.monotonic() - begun

    waits = live.log.read_text().count("cache unavailable")
    # One finds out, and one more each time that Redis was left alone long enough.
    assert 1 <= waits <= 1 + passed / project.cache.RETRY_AFTER
    assert providers.paths == ["openid-configuration", "jwks"]
