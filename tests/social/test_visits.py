"""S92: who may wait for providers, and what is asked once for all."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from accounts.social.credentials import AccessToken, AuthorizationCode, IdToken
from accounts.social.errors import ProviderRejected, ProviderUnavailable
from accounts.social.providers import http, published
from accounts.social.providers.exchange import SERVERS, Exchange
from accounts.social.providers.http import Deadline, Limits, NoAnswer, fetch
from accounts.social.providers.places import PLACES, Places
from accounts.social.providers.registry import provider_named
from tests.providers import faults
from tests.providers.keys import key

AT_ONCE = 40


@pytest.fixture
def configure(settings):
    """Change settings: `configure(provider_threads=…)`."""

    def change(**changes):
        settings.LATCHKEY = replace(settings.LATCHKEY, **changes)

    return change


def by_id_token(providers, **changes):
    """Verify one of corp's."""
    return provider_named("corp").verify(IdToken(value=providers["openid"].id_token(**changes)))


def by_code(provider):
    """Redeem a made-up one."""
    code = AuthorizationCode(value="code", redirect_uri="https://app.example/callback", code_verifier="v" * 43)
    return provider_named(provider).verify(code)


def by_access_token(provider, token="made-up"):  # noqa: S107 - opens nothing
    """Present a made-up one."""
    return provider_named(provider).verify(AccessToken(value=token))


def closed_exchange(provider):
    """An exchange that is not open yet."""
    return Exchange(provider_named(provider).settings, field=("provider",))


# Places


@pytest.fixture
def places(providers, configure):
    """Four of them, and several providers."""
    configure(provider_threads=4)
    return Places()


def taken(places, provider):
    """How many the provider can take."""
    count = 0
    while True:
        try:
            places.take(provider)
        except NoAnswer:
            return count
        count += 1


def test_the_last_place_is_for_another(places):
    """Who floods one provider, or a provider that is slow, does not shut out the others."""
    assert [taken(places, "flooded"), taken(places, "other"), taken(places, "third")] == [3, 1, 0]


def test_of_two_places_none_is_kept(places, configure):
    """Two people who come through the same provider at the same moment are usual."""
    configure(provider_threads=2)

    assert taken(Places(), "google") == 2


def test_each_finds_one_as_long_as_there_are_any(places):
    """The last is for whoever has none."""
    assert [places.take(name) for name in ("a", "b", "c", "d")] == [None] * 4


def test_a_single_provider_has_all_places(places, settings, configure):
    """There is none to keep one for."""
    configure(providers=settings.LATCHKEY.providers[:1])

    assert taken(places, "google-oauth2") == 4


def test_there_is_one_place_at_least(places, configure):
    """In a process with few threads; whoever comes first has it."""
    configure(provider_threads=1)

    assert [taken(places, "slow"), taken(places, "other")] == [1, 0]


def test_a_place_is_given_back_however_it_ends(providers, configure):
    """A sign-in, a refusal, a fault, and no answer; over and over, with one place."""
    configure(provider_threads=1, provider_timeout=0.8)
    by_id_token(providers)
    for _ in range(2):
        with pytest.raises(ProviderRejected):
            by_access_token("google")
        for fault in (faults.internal_error, faults.silent):
            providers.faults["tokeninfo"] = fault
            with pytest.raises(ProviderUnavailable):
                by_access_token("google")
        del providers.faults["tokeninfo"]
        SERVERS._retry_at.clear()

    assert PLACES._taken.total() == 0
    assert providers.paths.count("tokeninfo") == 6


def test_nobody_is_turned_away_half_way(providers, configure):
    """The place is kept from the first question to the last: a redeemed code is worth nothing the second time."""
    configure(provider_threads=1)
    others = []

    def before_answering(_endpoint):
        with pytest.raises(ProviderUnavailable):
            by_access_token("github")
        others.append(1)

    providers.before_answering = before_answering
    by_access_token("google", providers.google_token())

    assert providers.paths == ["tokeninfo", "userinfo"]
    assert len(others) == 2


def test_what_is_remembered_needs_no_place(providers, configure):
    """Keys, fresh or not."""
    by_id_token(providers)
    configure(provider_threads=0)
    by_id_token(providers)

    for document in published._documents.values():
        document.loaded_at = document.tried_at = time.monotonic() - published.FRESH - 1
        document.published_at += 1
    by_id_token(providers)
    assert providers.paths == ["openid-configuration", "jwks"]


def test_a_provider_is_asked_inside_an_exchange_only(providers):
    """Outside, the place would never be given back."""
    exchange = closed_exchange("google")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            exchange.ask(f"{providers.url}/google/userinfo")
        with exchange:
            pass
    assert providers.asked == []


def test_the_deadline_starts_when_the_exchange_is_opened(providers, configure):
    """Not when it is built."""
    configure(provider_timeout=0)
    exchange = closed_exchange("google")
    configure(provider_timeout=60)

    with exchange:
        assert exchange.remaining() > 0


# What was in vain


ASKED = {
    "tokeninfo": lambda providers: by_access_token("google"),
    "userinfo": lambda providers: by_access_token("google", providers.google_token()),
    "debug_token": lambda providers: by_access_token("facebook"),
    "me": lambda providers: by_access_token("facebook", providers.facebook_token()),
    "introspect": lambda providers: by_access_token("corp"),
    "token": lambda providers: by_code("corp"),
    "access_token": lambda providers: by_code("github"),
    "user": lambda providers: by_access_token("github", providers.github.token()),
    "emails": lambda providers: by_access_token("github", providers.github.token()),
    "openid-configuration": by_id_token,
    "jwks": by_id_token,
}


@pytest.mark.parametrize("endpoint", ASKED)
def test_an_endpoint_that_did_not_answer_is_left_alone(providers, configure, endpoint):
    """Whichever it is: the next sign-in is told at once, and asks it nothing."""
    configure(provider_timeout=0.8)
    providers.faults[endpoint] = faults.silent
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            ASKED[endpoint](providers)

    assert providers.paths.count(endpoint) == 1


def test_another_provider_is_not_left_alone(providers, configure):
    """Though it is the same server."""
    configure(provider_timeout=0.8)
    providers.faults["tokeninfo"] = faults.silent
    with pytest.raises(ProviderUnavailable):
        by_access_token("google")
    configure(provider_timeout=5)

    assert by_id_token(providers).claims.sub == "corp-7"


def test_a_provider_that_is_back_is_asked_again(providers, configure):
    """By one at first; once it has answered, by all."""
    configure(provider_timeout=0.8)
    providers.faults["tokeninfo"] = faults.silent
    with pytest.raises(ProviderUnavailable):
        by_access_token("google")
    del providers.faults["tokeninfo"]
    configure(provider_timeout=5)
    SERVERS._retry_at = dict.fromkeys(SERVERS._retry_at, 0.0)

    for _ in range(2):
        by_access_token("google", providers.google_token())
    assert providers.paths == ["tokeninfo", *["tokeninfo", "userinfo"] * 2]


def test_a_bad_credential_does_not_shut_others_out(providers):
    """A failure that comes at once can be of this credential: it holds nobody up, and is not remembered."""
    providers.faults["tokeninfo"] = faults.internal_error
    with pytest.raises(ProviderUnavailable):
        by_access_token("google")
    del providers.faults["tokeninfo"]

    assert by_access_token("google", providers.google_token())


# Once for all


def at_once(work):
    """The outcomes of as many threads."""
    together = threading.Barrier(AT_ONCE)

    def begin(number):
        together.wait()
        try:
            return work(number)
        except ProviderUnavailable as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, range(AT_ONCE)))


def test_discovery_and_keys_are_asked_for_once_however_many_sign_in(providers, configure):
    """Forty at once in a process that knows nothing yet."""
    configure(provider_threads=AT_ONCE + 1)
    providers.before_answering = lambda _endpoint: time.sleep(0.2)
    tokens = [providers["openid"].id_token(jti=str(number)) for number in range(AT_ONCE)]

    verified = at_once(lambda number: provider_named("corp").verify(IdToken(value=tokens[number])))

    assert {one.claims.sub for one in verified} == {"corp-7"}
    assert providers.paths == ["openid-configuration", "jwks"]


def test_a_new_key_is_asked_for_once_however_many_bring_it(providers, configure):
    """Rotation, with forty sign-ins at once."""
    configure(provider_threads=AT_ONCE + 1, jwks_refetch_interval=0)
    by_id_token(providers)
    configure(jwks_refetch_interval=60)
    for document in published._documents.values():
        document.tried_at -= 60
    providers["openid"].rotate("two")
    providers.before_answering = lambda _endpoint: time.sleep(0.2)
    tokens = [providers["openid"].id_token(jti=str(number)) for number in range(AT_ONCE)]

    verified = at_once(lambda number: provider_named("corp").verify(IdToken(value=tokens[number])))

    assert {one.claims.sub for one in verified} == {"corp-7"}
    assert providers.paths == ["openid-configuration", "jwks", "jwks"]


def test_a_failure_is_of_all_who_waited(providers, configure):
    """Each has an error of its own."""
    configure(provider_threads=AT_ONCE + 1)
    providers.before_answering = lambda _endpoint: time.sleep(0.5)
    providers.faults["openid-configuration"] = faults.internal_error

    errors = at_once(lambda number: by_id_token(providers, jti=str(number)))

    assert {type(error) for error in errors} == {ProviderUnavailable}
    assert len(set(map(id, errors))) == AT_ONCE
    assert providers.paths == ["openid-configuration"]


def test_who_looked_before_an_answer_came_takes_it(providers):
    """Just before: it is not asked for again."""
    by_id_token(providers)
    (document, _keys) = published._documents.values()
    with closed_exchange("corp") as exchange:
        found = published._load(document, None, exchange, lambda: pytest.fail("asked again"))

    assert found is document.content


def test_a_process_needs_no_cache(providers, monkeypatch):
    """What it has learnt it knows, and does not look elsewhere."""
    by_id_token(providers)
    monkeypatch.setattr(published, "cache", None)
    by_id_token(providers)

    assert providers.paths == ["openid-configuration", "jwks"]


def test_a_process_learns_from_the_others(providers):
    """At its start; and of a new key that another one has found."""
    by_id_token(providers)
    mine = dict(published._documents)
    published._documents.clear()
    by_id_token(providers)
    assert providers.paths == ["openid-configuration", "jwks"]

    for document in published._documents.values():
        document.tried_at -= 60
    providers["openid"].rotate("two")
    by_id_token(providers)
    published._documents.update(mine)
    by_id_token(providers)
    assert providers.paths == ["openid-configuration", "jwks", "jwks"]


def test_forged_key_ids_do_not_make_us_ask_while_the_cache_is_away(providers, settings):
    """Nor is a new key never found: the process keeps count itself."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    by_id_token(providers)
    for number in range(5):
        with pytest.raises(ProviderRejected):
            by_id_token(providers, signed_by=replace(key("attacker"), kid=f"made-up-{number}"))
    assert providers.paths == ["openid-configuration", "jwks"]

    for document in published._documents.values():
        document.tried_at -= 60
    providers["openid"].rotate("two")
    by_id_token(providers)
    assert providers.paths == ["openid-configuration", "jwks", "jwks"]


# Names


def test_the_look_up_of_a_name_counts_in_the_deadline(monkeypatch):
    """The system's resolver knows none; nor does a thread more wait in it for each that asks."""
    asked, released = [], threading.Event()

    def resolve(host, *_args, **_kwargs):
        asked.append(host)
        released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(3):
        limits = Limits(deadline=Deadline(seconds=0.1), max_bytes=1000, private=True)
        with pytest.raises(NoAnswer, match="timed out"):
            fetch("https://idp.example/keys", method="GET", headers={}, limits=limits)

    assert asked == ["idp.example"]
    released.set()


def test_a_name_that_is_not_found_is_no_answer(monkeypatch):
    """What the resolver says in its own thread is said in ours."""

    def resolve(host, *_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    limits = Limits(deadline=Deadline(seconds=60), max_bytes=1000, private=True)

    for _ in range(2):
        with pytest.raises(NoAnswer, match="connection failed"):
            fetch("https://idp.example/keys", method="GET", headers={}, limits=limits)


def test_without_a_thread_to_be_had_a_name_is_looked_up_all_the_same(provider_server, monkeypatch):
    """At the limit of threads, nothing gets stuck."""

    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(http.SingleFlight, "__contains__", lambda *_: False)
    limits = Limits(deadline=Deadline(seconds=60), max_bytes=100_000, private=True)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        found = http._resolved("127.0.0.1", 80, limits.deadline)

    assert found[0][4] == ("127.0.0.1", 80)
