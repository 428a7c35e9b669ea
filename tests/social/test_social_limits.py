"""A provider that does not answer properly is one clean error, inside a deadline."""

import logging
import time
import traceback
from dataclasses import replace

import pytest

from accounts.social.errors import ProviderUnavailable
from accounts.social.providers import http
from tests.certificates import self_signed
from tests.providers import faults
from tests.providers.server import Providers, Server
from tests.providers.stored import nothing_changes
from tests.social.identifying import identify

pytestmark = pytest.mark.django_db

TIMEOUT = 0.6
SLOW_MACHINE = 5
"""Seconds of grace for the machine that runs the tests. The slow servers would take minutes."""
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


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (faults.silent, "did not answer"),
        (faults.hangs_up, "did not answer"),
        (faults.html, "could not be understood"),
        (faults.garbage, "could not be understood"),
        (faults.no_http, "could not be understood"),
        (faults.array, "could not be understood"),
        (faults.huge, "could not be understood"),
        (faults.internal_error, "not available right now"),
        (faults.too_many_requests, "not available right now"),
    ],
)
@pytest.mark.parametrize(("provider", "endpoint"), ENDPOINTS)
def test_only_silence_is_called_so(providers, provider, endpoint, fault, told):
    """An answer that came, and was not understood, did come: who looks for the fault looks elsewhere."""
    token = token_of(providers, provider)
    providers.faults[endpoint] = fault

    with pytest.raises(ProviderUnavailable, match=told):
        identify(provider=provider, access_token=token)


@pytest.mark.parametrize(("provider", "endpoint"), [("google", "userinfo"), ("facebook", "debug_token")])
@pytest.mark.parametrize("fault", faults.TIMELESS, ids=lambda fault: fault.__name__)
def test_a_server_that_takes_its_time_is_not_waited_for(providers, fault, provider, endpoint):
    """S37: the limit is for the whole, however quickly each byte comes."""
    token = token_of(providers, provider)
    providers.faults[endpoint] = fault
    begun = time.monotonic()

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider=provider, access_token=token)

    assert TIMEOUT * 0.9 < time.monotonic() - begun < TIMEOUT + SLOW_MACHINE


def test_the_time_is_for_all_requests_together(providers, settings):
    """S37: each of the two is answered in time, both together are not."""
    settings.LATCHKEY = replace(settings.LATCHKEY, provider_timeout=1.5)
    providers.before_answering = lambda _endpoint: time.sleep(1)
    token = providers.google_token()

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="google", access_token=token)

    assert providers.paths == ["tokeninfo", "userinfo"]


def test_a_server_that_is_down_is_one_clean_error(provider_server, providers):
    """S37: nobody listens."""
    provider_server.stop()

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="google", access_token=providers.google_token())


@pytest.fixture
def certificate(tmp_path):
    """A server's certificate and key in one file; no authority has signed it."""
    return self_signed(tmp_path / "certificate.pem")


@pytest.mark.parametrize(("host", "trusted"), [("localhost", True), ("localhost", False), ("127.0.0.1", True)])
def test_a_server_has_to_prove_who_it_is(settings, monkeypatch, certificate, host, trusted):
    """TLS is verified, by the system's authorities and the name; the token does not leave before that."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http._tls.cache_clear()
    server = Server(certificate=certificate, host=host)
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=server.providers.configured, provider_timeout=5)
    token = server.providers.google_token()

    try:
        if trusted and host == "localhost":
            assert identify(provider="google", access_token=token).is_new
        else:
            with nothing_changes(), pytest.raises(ProviderUnavailable):
                identify(provider="google", access_token=token)
            assert server.providers.asked == []
    finally:
        http._tls.cache_clear()
        server.stop()


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
