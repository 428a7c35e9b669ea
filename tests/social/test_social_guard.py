"""What comes through providers is limited, recorded, and needs a recent proof where it changes the ways in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import rate_limits
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.social import sign_in
from accounts.tokens.models import Client, Session
from tests.api import ANSWER_PROFILE, AUTH_URL, CONVERT, LINK, UNLINK, codes
from tests.factories import make_account
from tests.providers import faults
from tests.providers.stored import nothing_changes
from tests.tokens.test_session_ends import save_password

CALLBACK = "https://app.example/callback"


@pytest.fixture
def limit(settings):
    """One attempt an hour for all: `limit("convert")`."""

    def set_rate(action: str) -> None:
        rates = rate_limits(f"{action}.global=1/1h")
        settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rates)

    return set_rate


@pytest.fixture
def call(graphql, providers):
    """The payload of a mutation."""

    def send(query: str, token: str | None = None, **given: Any) -> Any:
        (payload,) = graphql(query, token=token, input=given).data.values()
        return payload

    return send


def google(token: str) -> dict[str, Any]:
    """A credential of Google."""
    return {"provider": "google", "credential": {"accessToken": token}}


def fresh(token: str) -> dict[str, Any]:
    """The same, to link."""
    return {"source": {"credential": google(token)}}


def profile_challenge(call, providers) -> str:
    """Facebook has not told the address."""
    credential = {"accessToken": providers.facebook_token(email=None)}
    return str(call(CONVERT, provider="facebook", credential=credential)["challenge"]["token"])


def link_challenge(call, providers, account) -> str:
    """Somebody has the account's address at Google."""
    Account.objects.filter(pk=account.pk).update(email_verified=True)
    return str(call(CONVERT, **google(providers.google_token(email=account.email)))["challenge"]["token"])


def events() -> set[tuple[str, Any, str]]:
    """Types, subjects and causes."""
    return set(SecurityEvent.objects.values_list("type", "subject", "cause"))


def is_limited(payload: Any, providers: Any) -> bool:
    """Whether it was refused, and no provider was asked."""
    assert providers.asked == []
    return codes(payload) == ["RATE_LIMITED"]


def test_sign_ins_are_limited(call, providers, limit):
    """S56: a failed one counts; the next costs no call of the provider."""
    limit("convert")
    assert codes(call(CONVERT, **google("made-up"))) == ["PROVIDER_REJECTED"]
    providers.asked.clear()

    with nothing_changes():
        assert is_limited(call(CONVERT, **google(providers.google_token())), providers)


def test_a_sign_in_that_succeeds_is_given_back(call, providers, limit):
    """S52: and so is one that needs a further step: the provider has confirmed it."""
    limit("convert")

    for _ in range(3):
        assert codes(call(CONVERT, **google(providers.google_token()))) == []
    for _ in range(3):
        assert profile_challenge(call, providers)


def test_redirects_are_limited(call, providers, limit):
    """S56: together with sign-ins, because preparing one may ask a provider; the first use asks for its document."""
    Client.objects.update(redirect_uris=CALLBACK)
    limit("convert")
    assert codes(call(CONVERT, **google("made-up"))) == ["PROVIDER_REJECTED"]
    providers.asked.clear()

    assert is_limited(call(AUTH_URL, provider="google", redirectUri=CALLBACK), providers)


def test_answers_to_a_profile_challenge_are_limited(call, providers, limit):
    """S56: a wrong token counts."""
    challenge = profile_challenge(call, providers)
    limit("challenge")
    assert codes(call(ANSWER_PROFILE, challengeToken="made-up")) == ["INVALID_CHALLENGE"]
    providers.asked.clear()

    with nothing_changes():
        assert is_limited(call(ANSWER_PROFILE, challengeToken=challenge, email="a@example.com"), providers)


def test_links_by_a_credential_are_limited(call, providers, signed_in, limit):
    """S56: together with sign-ins."""
    limit("convert")
    assert codes(call(LINK, signed_in.access_token, **fresh("made-up"))) == ["PROVIDER_REJECTED"]
    providers.asked.clear()

    with nothing_changes():
        assert is_limited(call(LINK, signed_in.access_token, **fresh(providers.google_token())), providers)


def test_links_by_a_challenge_are_limited(call, providers, signed_in, limit):
    """S56: together with other challenges."""
    challenge = link_challenge(call, providers, signed_in.account)
    limit("challenge")
    made_up, real = ({"source": {"challengeToken": token}} for token in ("made-up", challenge))
    assert codes(call(LINK, signed_in.access_token, **made_up)) == ["INVALID_CHALLENGE"]
    providers.asked.clear()

    with nothing_changes():
        assert is_limited(call(LINK, signed_in.access_token, **real), providers)


@pytest.fixture
def stale(signed_in):
    """Somebody who signed in yesterday."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    return signed_in


def test_a_link_needs_a_recent_proof(call, providers, stale):
    """S88: the credential to link proves nothing, and no provider is asked about it."""
    challenge = link_challenge(call, providers, stale.account)
    sources = [google(providers.google_token()) | {"nonce": None}, challenge]
    providers.asked.clear()

    with nothing_changes():
        for source in sources:
            kind = "challengeToken" if isinstance(source, str) else "credential"
            payload = call(LINK, stale.access_token, source={kind: source})
            assert codes(payload) == ["REAUTHENTICATION_REQUIRED"]
    assert providers.asked == []


def test_an_unlink_needs_a_recent_proof(call, providers, stale):
    """S88."""
    row = UserSocialAuth.objects.create(user=stale.account, provider="google-oauth2", uid="1")

    with nothing_changes():
        payload = call(UNLINK, stale.access_token, id="any")
        assert codes(payload) == ["REAUTHENTICATION_REQUIRED"]

    assert UserSocialAuth.objects.filter(pk=row.pk).exists()


def test_a_challenge_is_linked_right_after_signing_in(call, providers, account, sign_in):
    """A sign-in is a recent proof."""
    challenge = link_challenge(call, providers, account)

    payload = call(LINK, sign_in(account).access_token, source={"challengeToken": challenge})

    assert codes(payload) == []


def test_a_refused_proof_does_not_use_up_attempts(call, providers, stale, limit):
    """It costs nothing."""
    limit("convert")

    for _ in range(3):
        payload = call(LINK, stale.access_token, **fresh(providers.google_token()))
        assert codes(payload) == ["REAUTHENTICATION_REQUIRED"]


def test_a_refusal_is_recorded_for_the_account_of_the_address(call, providers):
    """If the provider has verified it: its holder learns that somebody asked."""
    account = make_account(email="ada@example.com", email_verified=True)

    call(CONVERT, **google(providers.google_token()))
    call(CONVERT, **google(providers.google_token(email_verified=False)))

    assert events() == {
        ("account:login:failure", account.pk, "LINK_REQUIRED"),
        ("account:login:failure", None, "LINK_REQUIRED"),
    }


def test_a_refusal_is_recorded_for_the_account_of_the_identity(call, providers):
    """S34: a disabled one, whatever its address is now."""
    call(CONVERT, **google(providers.google_token()))
    account = Account.objects.get()
    account.is_active = False
    account.save()
    SecurityEvent.objects.all().expire()

    call(CONVERT, **google(providers.google_token(email="other@example.com")))

    assert events() == {("account:login:failure", account.pk, "ACCOUNT_DISABLED")}


def test_what_a_provider_says_is_not_recorded(call, providers):
    """S47: its words may be anybody's; the cause is our code."""
    providers.faults["userinfo"] = faults.internal_error

    call(CONVERT, **google(providers.google_token()))

    assert events() == {("account:login:failure", None, "PROVIDER_UNAVAILABLE")}


def test_a_sign_up_and_a_link_name_their_provider(call, providers, signed_in):
    """By its name in the settings."""
    SecurityEvent.objects.all().expire()
    call(CONVERT, **google(providers.google_token()))
    call(LINK, signed_in.access_token, **fresh(providers.google_token(sub="2", email="b@example.com")))

    told = {(type_, cause) for type_, _, cause in events() if type_ != "account:login:success"}
    assert told == {("account:register:success", "google-oauth2"), ("social:link", "google-oauth2")}


def test_a_take_over_is_recorded_for_the_account(call, providers):
    """S9: with the password that ended; done by the holder of the address."""
    account = make_account(email="ada@example.com")

    call(CONVERT, **google(providers.google_token()))

    recorded = SecurityEvent.objects.exclude(type="account:login:success")
    assert {(event.type, event.subject, event.actor) for event in recorded} == {
        ("account:displace", account.pk, account.pk),
        ("account:password:change", account.pk, account.pk),
    }


def test_a_sign_in_begins_again_a_few_times_only(call, providers, monkeypatch):
    """An account whose password changes all the time holds no thread for good (S92)."""
    call(CONVERT, **google(providers.google_token()))
    found = []

    def identify_then_change(*given: Any, **more: Any) -> Any:
        identified = identify(*given, **more)
        found.append(identified)
        save_password(identified.account)
        return identified

    identify = sign_in.identify
    monkeypatch.setattr(sign_in, "identify", identify_then_change)
    payload = call(CONVERT, **google(providers.google_token()))

    assert codes(payload) == ["PROVIDER_REJECTED"]
    assert len(found) == sign_in.ATTEMPTS
