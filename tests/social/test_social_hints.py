"""Refusals that help: the cause is for developers, and the log; in production the log alone."""

import logging
from dataclasses import replace

import pytest

from accounts.people.models import Account
from accounts.social.flows import create_nonce
from accounts.social.signals import social_signed_in
from tests.api import CONVERT, LINK, TOKEN_AUTH, codes
from tests.factories import make_client
from tests.providers.registrations import GOOGLE_ANDROID_CLIENT, GOOGLE_CLIENT
from tests.providers.stored import everything

FOREIGN = "evil.apps.googleusercontent.com"


@pytest.fixture
def convert(graphql, providers):
    """Present a credential: the whole answer."""

    def send(provider="google", *, nonce=None, token=None, **credential):
        given = {"provider": provider, "credential": credential, **({"nonce": nonce} if nonce else {})}
        return graphql(CONVERT, token=token, input=given)

    return send


@pytest.mark.parametrize("kind", ["accessToken", "idToken"])
def test_a_wrong_audience_names_both_sides_in_development(convert, providers, kind):
    """Which one came, and which are configured: the commonest mistake of a set-up."""
    foreign = {"aud": FOREIGN, "azp": FOREIGN}
    token = providers.google_token(token=foreign) if kind == "accessToken" else providers["google"].id_token(**foreign)

    answer = convert(**{kind: token})

    assert codes(answer.data["convertSocialToken"]) == ["PROVIDER_REJECTED"]
    hint = answer.body["extensions"]["hint"]
    assert FOREIGN in hint
    assert GOOGLE_CLIENT in hint
    assert GOOGLE_ANDROID_CLIENT in hint
    assert token not in hint


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"iss": "https://evil.example"}, "issued by 'https://evil.example'"),
        ({"exp": 1, "iat": 0}, "ExpiredSignatureError"),
        ({"iat": 1}, "too long ago"),
        ({"nonce": "another"}, "another nonce"),
    ],
)
def test_each_cause_has_its_own_hint(convert, providers, claims, cause):
    """One public code."""
    nonce = create_nonce("google-oauth2") if "nonce" in claims else None

    answer = convert(idToken=providers["google"].id_token(**claims), nonce=nonce)

    assert codes(answer.data["convertSocialToken"]) == ["PROVIDER_REJECTED"]
    assert cause in answer.body["extensions"]["hint"]


def test_an_unknown_or_unproven_client_has_a_hint(graphql, account):
    """INVALID_CLIENT."""
    client, _secret = make_client(client_type="confidential")
    credentials = {"email": account.email, "password": "x"}

    for given, cause in [
        ({"clientId": "nobody"}, "unknown"),
        ({"clientId": client.client_id, "clientSecret": "wrong"}, "wrong or missing secret"),
        ({"clientSecret": "x"}, "secret for a public client"),
    ]:
        answer = graphql(TOKEN_AUTH, input={**credentials, **given})
        assert codes(answer.data["tokenAuth"]) == ["INVALID_CLIENT"]
        assert cause in answer.body["extensions"]["hint"]


def test_production_tells_the_log_alone(convert, providers, settings, caplog):
    """S46: vague outside, precise inside."""
    settings.LATCHKEY = replace(settings.LATCHKEY, development=False)
    caplog.set_level(logging.INFO)

    answer = convert(accessToken=providers.google_token(token={"aud": FOREIGN}))

    assert codes(answer.data["convertSocialToken"]) == ["PROVIDER_REJECTED"]
    assert "extensions" not in answer.body
    assert FOREIGN not in str(answer.body)
    assert FOREIGN in caplog.text
    assert GOOGLE_CLIENT in caplog.text


def test_a_hint_is_no_place_for_what_was_sent(convert, providers):
    """Nor for what the provider answered."""
    for token in ("secret-access-token", providers["google"].id_token(aud=FOREIGN)):
        for kind in ("accessToken", "idToken"):
            assert token not in str(convert(**{kind: token}).body)


# The hook


@pytest.fixture
def heard():
    """What a receiver was told."""
    told = []

    def receive(**what):
        told.append(what)

    social_signed_in.connect(receive)
    yield told
    social_signed_in.disconnect(receive)


def test_the_hook_sees_the_providers_answer_once(convert, providers, heard):
    """For those who need Drive or Calendar; and nothing of it is stored (S15)."""
    code = providers["google"].code(redirect_uri="postmessage")
    convert(code={"code": code, "redirectUri": "postmessage"})

    [told] = heard
    answer = told["answer"]
    assert told["account"] == Account.objects.get()
    assert told["provider"] == "google-oauth2"
    assert {"access_token", "refresh_token", "id_token", "claims"} <= answer.keys()
    stored = str(everything())
    for secret in ("access_token", "refresh_token", "id_token"):
        assert answer[secret] not in stored


def test_the_hook_sees_a_linked_identity(graphql, providers, signed_in, heard):
    """As fresh as a sign-in."""
    token = providers.google_token()
    source = {"credential": {"provider": "google", "credential": {"accessToken": token}}}
    graphql(LINK, token=signed_in.access_token, input={"source": source})

    assert [(told["account"], told["answer"]["access_token"]) for told in heard] == [(signed_in.account, token)]


def test_the_hook_sees_no_refused_sign_in(convert, providers, heard):
    """Nor one that waits for more."""
    convert(accessToken=providers.google_token(token={"aud": FOREIGN}))
    convert(accessToken=providers.google_token(email=None))

    assert heard == []


def test_a_hook_that_fails_undoes_nothing(convert, providers):
    """It is logged."""

    def fail(**_what):
        raise RuntimeError("Calendar is down")

    social_signed_in.connect(fail)
    try:
        assert codes(convert(accessToken=providers.google_token()).data["convertSocialToken"]) == []
    finally:
        social_signed_in.disconnect(fail)
