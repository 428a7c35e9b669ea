"""What each metric counts."""

import threading
from dataclasses import replace

import pytest
from django.db import OperationalError

from accounts.conf import Rate
from accounts.guard.events import EventType, record_failure
from accounts.guard.hashing import slot
from accounts.mails.models import Mail
from accounts.shared import hash_slots
from tests.api import CONVERT, PASSWORD, REFRESH, TOKEN_AUTH
from tests.factories import make_account, make_client
from tests.login_codes.asking import mailed, requested
from tests.login_codes.asking import signed_in as with_code
from tests.metrics.counting import gained
from tests.mfa.calls import answer, holder, shown_password
from tests.mfa.enrolled import code_of
from tests.providers import faults

SIGN_INS, REFRESHES = "latchkey_sign_ins_total", "latchkey_refreshes_total"
PROVIDERS = "latchkey_provider_requests_total"
pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(graphql, account, password=PASSWORD):
    """The payload of a sign-in with a password."""
    return graphql(TOKEN_AUTH, input={"email": account.email, "password": password}).data["tokenAuth"]


def refresh(graphql, token):
    """The payload of a refresh."""
    return graphql(REFRESH, input={"refreshToken": token}).data["refreshToken"]


def test_sign_ins_with_a_password(graphql, account):
    """By their outcome."""
    with gained() as more:
        sign_in(graphql, account)
        sign_in(graphql, account, "wrong")

    assert more.of(SIGN_INS) == {("password", "ok"): 1, ("password", "INVALID_CREDENTIALS"): 1}


def test_sign_ins_with_a_mailed_code(graphql):
    """A wrong one too."""
    make_account(email="ada@example.com")
    credential = mailed(graphql)
    with gained() as more:
        with_code(graphql, credential)
        with_code(graphql, {"code": {"challengeToken": requested(graphql), "code": "000000"}})

    assert more.of(SIGN_INS) == {("email_code", "ok"): 1, ("email_code", "INVALID_CODE"): 1}


def test_sign_ins_through_a_provider(graphql, providers):
    """And what the provider was asked for them."""
    with gained() as more:
        for token in (providers.google_token(), "foreign"):
            graphql(CONVERT, input={"provider": "google", "credential": {"accessToken": token}})

    assert more.of(SIGN_INS) == {("social", "ok"): 1, ("social", "PROVIDER_REJECTED"): 1}
    asked = more.of(PROVIDERS)
    assert asked["answered", "google-oauth2"] >= 1
    assert asked["refused", "google-oauth2"] == 1
    assert more["latchkey_provider_request_duration_seconds_count"] == sum(asked.values())


def test_a_sign_in_with_a_second_factor_is_counted_once(graphql):
    """By its first method; that it waits is an outcome of its own, and no failure that an alert counts."""
    account, secret = holder()
    with gained() as more:
        token = shown_password(graphql, account)["challenge"]["token"]
        answer(graphql, token, totpCode="abc")
        assert answer(graphql, token, totpCode=code_of(secret))["tokens"]

    assert more.of(SIGN_INS) == {
        ("password", "MFA_REQUIRED"): 1,
        ("password", "INVALID_CODE"): 1,
        ("password", "ok"): 1,
    }


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (faults.internal_error, "failed"),
        (faults.too_many_requests, "failed"),
        (faults.html, "not understood"),
        (faults.hangs_up, "no answer"),
    ],
)
def test_a_provider_that_fails(graphql, providers, fault, outcome):
    """Is not one that refuses."""
    providers.faults["tokeninfo"] = fault
    with gained() as more:
        graphql(CONVERT, input={"provider": "google", "credential": {"accessToken": providers.google_token()}})

    assert more.of(PROVIDERS) == {(outcome, "google-oauth2"): 1}


def test_refreshes_by_the_cause_of_the_refusal(graphql, signed_in):
    """S74: as in the log."""
    with gained() as more:
        second = refresh(graphql, signed_in.refresh_token)["tokens"]["refreshToken"]
        refresh(graphql, second)
        refresh(graphql, signed_in.refresh_token)
        refresh(graphql, "made up")

    assert more.of(REFRESHES) == {("ok",): 2, ("replayed, grandparent",): 1, ("unknown",): 1}


def test_refusals_by_a_limit(graphql, account, settings):
    """By the line that was used up."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits={"sign_in.account": Rate(1, 60)})
    sign_in(graphql, account, "wrong")
    with gained() as more:
        sign_in(graphql, account, "wrong")

    assert more.of("latchkey_rate_limit_refusals_total") == {("sign_in", "account"): 1}
    assert more.of(SIGN_INS) == {("password", "RATE_LIMITED"): 1}


def test_security_events_by_type(graphql, account):
    """Each attempt of a repeated failure, although they share a row."""
    with gained() as more:
        for _ in range(3):
            record_failure(EventType.SIGN_IN_FAILED, subject=account.pk, cause="X")

    assert more.of("latchkey_security_events_total") == {("account:login:failure",): 3}


def test_hashes(graphql, account):
    """A sign-in makes one."""
    with gained() as more:
        sign_in(graphql, account)

    assert more["latchkey_password_hash_duration_seconds_count"] == 1
    assert more["latchkey_password_hash_refusals_total"] == 0


def test_requests_that_find_no_slot(graphql, account, settings):
    """They waited in vain, or were not let in at all."""
    settings.LATCHKEY = replace(settings.LATCHKEY, hashing_slots=1, hashing_queue=0)
    hash_slots._slots.cache_clear()
    held, leave = threading.Event(), threading.Event()

    def hold():
        with slot():
            held.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    with gained() as more:
        sign_in(graphql, account)
    leave.set()
    holder.join()
    hash_slots._slots.cache_clear()

    assert more["latchkey_password_hash_refusals_total"] == 1
    assert more.of(SIGN_INS) == {("password", "RATE_LIMITED"): 1}


def test_a_code_exchanged_at_the_token_endpoint_is_a_sign_in(client, default_client):
    """Refused ones too."""
    make_client(client_id="app")
    with gained() as more:
        client.post(
            "/o/token/",
            {"grant_type": "authorization_code", "code": "x", "client_id": "app", "redirect_uri": "https://a.example"},
        )

    assert more.of(SIGN_INS) == {("authorization_code", "invalid_grant"): 1}


def test_answers_without_a_database(graphql, account, monkeypatch):
    """As 503, and as an outcome of the operation."""
    from accounts.tokens import api

    def away(*_):
        raise OperationalError("gone")

    monkeypatch.setattr(api, "authenticate", away)
    with gained() as more:
        status = graphql("{ me { id } }", token="x").status

    assert status == 503
    assert more["latchkey_database_unavailable_responses_total"] == 1
    assert more.of("latchkey_graphql_requests_total") == {("me", "503"): 1}
    assert not Mail.objects.exists()
