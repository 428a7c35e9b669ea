"""A provider that does not answer properly is one clean error, inside a deadline."""

import logging
import socket
import threading
import time
import traceback
from dataclasses import replace

import pytest

from accounts.exceptions import ProviderUnavailable
from accounts.social import identify
from tests.providers import faults
from tests.providers.server import Providers
from tests.providers.stored import nothing_changes

pytestmark = pytest.mark.django_db

TIMEOUT = 0.6
ENDPOINTS = [("google", "tokeninfo"), ("google", "userinfo"), ("facebook", "debug_token"), ("facebook", "me")]


@pytest.fixture(autouse=True)
def impatient(providers, settings):
    """Little time."""
    settings.LATCHKEY = replace(settings.LATCHKEY, provider_timeout=TIMEOUT)


def token_of(providers: Providers, provider: str) -> str:
    """A good one."""
    return providers.google_token() if provider == "google" else providers.facebook_token()


@pytest.mark.parametrize(("provider", "endpoint"), ENDPOINTS)
@pytest.mark.parametrize("fault", faults.AT_ONCE, ids=lambda fault: fault.__name__)
def test_a_faulty_answer_is_one_clean_error(providers, caplog, fault, provider, endpoint):
    """S37: nothing is stored, and nothing of the answer or of the token is told or logged."""
    caplog.set_level(logging.DEBUG)
    token = token_of(providers, provider)
    providers.faults[endpoint] = fault

    with nothing_changes(), pytest.raises(ProviderUnavailable) as error:
        identify(provider=provider, access_token=token)

    assert caplog.records[-1].name == "accounts.social"
    told = caplog.text + "".join(traceback.format_exception(error.value))
    assert "SENTINEL-BODY" not in told
    assert token not in told
    assert "/elsewhere" not in [asked.path for asked in providers.asked]


@pytest.mark.parametrize(("provider", "endpoint"), ENDPOINTS)
@pytest.mark.parametrize("fault", faults.TIMELESS, ids=lambda fault: fault.__name__)
def test_a_server_that_takes_its_time_is_not_waited_for(providers, fault, provider, endpoint):
    """S37: the limit is for all together, however quickly each byte comes."""
    token = token_of(providers, provider)
    providers.faults[endpoint] = fault
    begun = time.monotonic()

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider=provider, access_token=token)

    assert TIMEOUT * 0.9 < time.monotonic() - begun < TIMEOUT + 0.5


@pytest.mark.parametrize(("provider", "endpoints"), [("google", 2), ("facebook", 2)])
def test_the_time_is_for_all_requests_together(providers, provider, endpoints):
    """S37: each of the two answers in time, both together do not."""
    token = token_of(providers, provider)
    providers.before_answering = lambda _endpoint: time.sleep(TIMEOUT * 0.7)
    begun = time.monotonic()

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider=provider, access_token=token)

    assert time.monotonic() - begun < TIMEOUT + 0.5
    assert len(providers.asked) == endpoints


def test_a_server_that_is_down_is_one_clean_error(provider_server, providers):
    """S37: nobody listens."""
    provider_server.stop()

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="google", access_token=providers.google_token())


def test_a_server_that_cannot_prove_who_it_is_is_sent_nothing(providers, settings):
    """TLS is verified: the token does not leave before that."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []

        def answer_in_plain() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=answer_in_plain)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/tokeninfo"
        endpoints = replace(providers.endpoints, google_tokeninfo=url)
        settings.LATCHKEY = replace(settings.LATCHKEY, provider_endpoints=endpoints)
        token = providers.google_token()

        with nothing_changes(), pytest.raises(ProviderUnavailable):
            identify(provider="google", access_token=token)
        thread.join()

    assert token.encode() not in received[0]


def test_proxies_of_the_environment_are_not_used(providers, monkeypatch):
    """Tokens go to the provider and to nobody else."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert identify(provider="google", access_token=providers.google_token()).is_new


@pytest.mark.parametrize(("size", "read"), [(10_000, True), (10_001, False)])
def test_an_answer_is_read_up_to_the_limit(providers, settings, size, read):
    """S37: and not a byte more."""
    settings.LATCHKEY = replace(settings.LATCHKEY, provider_max_bytes=10_000)
    providers.faults["userinfo"] = lambda handler, status, body: handler.reply(status, body.ljust(size))
    token = providers.google_token()

    if read:
        assert identify(provider="google", access_token=token).is_new
    else:
        with nothing_changes(), pytest.raises(ProviderUnavailable):
            identify(provider="google", access_token=token)
