"""Whose token is taken: one that the provider issued for us, and looked at in that order."""

import json
import logging
from dataclasses import replace

import pytest
from social_django.models import UserSocialAuth

from accounts.errors import AccountsError
from accounts.people.models import Account
from accounts.social.errors import CredentialNotSupported, ProviderRejected, ProviderUnavailable, ProviderUnknown
from accounts.social.sign_up import Incomplete
from tests.providers.server import FACEBOOK_APP, GOOGLE_ANDROID_CLIENT, GOOGLE_CLIENT
from tests.providers.stored import nothing_changes
from tests.social.identifying import identify

pytestmark = pytest.mark.django_db

FOREIGN = "evil.apps.googleusercontent.com"
ACCESS_TOKEN = ("credential", "access_token")


@pytest.mark.parametrize("provider", ["google-oauth2", "google"])
def test_google_is_known_by_either_name(providers, provider):
    """The alias is the same provider: one identity, whichever was said."""
    identify(provider="google", access_token=providers.google_token())
    again = identify(provider=provider, access_token=providers.google_token())

    assert not again.is_new
    assert UserSocialAuth.objects.get().provider == "google-oauth2"


@pytest.mark.parametrize("client", [GOOGLE_CLIENT, GOOGLE_ANDROID_CLIENT])
def test_a_google_token_for_one_of_our_clients_is_taken(providers, client):
    """Several client ids, for the web and for apps; the one that asked may not be the one it is for."""
    token = providers.google_token(token={"aud": GOOGLE_CLIENT, "azp": client})

    assert identify(provider="google-oauth2", access_token=token).is_new


def test_the_audience_is_asked_for_first(providers):
    """S28: tokeninfo before userinfo, debug_token before /me."""
    identify(provider="google-oauth2", access_token=providers.google_token())
    identify(provider="facebook", access_token=providers.facebook_token(email="grace@example.com"))

    assert providers.paths == ["tokeninfo", "userinfo", "debug_token", "me"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": FOREIGN, "azp": FOREIGN},
        {"aud": FOREIGN},
        {"azp": FOREIGN},
        {"aud": None},
        {"aud": None, "azp": None},
        {"aud": ""},
        {"aud": [GOOGLE_CLIENT]},
        {"aud": f"{GOOGLE_CLIENT},{GOOGLE_ANDROID_CLIENT}"},
        {"aud": GOOGLE_CLIENT.upper()},
    ],
)
def test_a_google_token_for_another_application_is_refused(providers, claims):
    """S28: the confused deputy. Whose it is, is not even asked."""
    token = providers.google_token(token=claims)

    with nothing_changes(), pytest.raises(ProviderRejected) as refusal:
        identify(provider="google-oauth2", access_token=token)

    assert refusal.value.field == ACCESS_TOKEN
    assert providers.paths == ["tokeninfo"]


def test_a_google_token_of_two_people_is_refused(providers):
    """Both answers have to speak of one person."""
    token = providers.google_token(token={"sub": "1"})

    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="google-oauth2", access_token=token)


@pytest.mark.parametrize(
    "fields",
    [
        {"app_id": "999"},
        {"app_id": None},
        {"app_id": ""},
        {"is_valid": False},
        {"is_valid": None},
        {"is_valid": "true"},
        {"is_valid": 1},
    ],
)
def test_a_facebook_token_for_another_application_or_no_longer_valid_is_refused(providers, fields):
    """S28, S30: and whose it is, is not even asked."""
    token = providers.facebook_token(token=fields)

    with nothing_changes(), pytest.raises(ProviderRejected) as refusal:
        identify(provider="facebook", access_token=token)

    assert refusal.value.field == ACCESS_TOKEN
    assert providers.paths == ["debug_token"]


@pytest.mark.parametrize("user_id", ["1", "", None])
def test_a_facebook_token_of_two_people_is_refused(providers, user_id):
    """S30: user_id of debug_token is the id of /me (a page's token, for one, has another)."""
    token = providers.facebook_token(token={"user_id": user_id})

    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="facebook", access_token=token)


def test_a_facebook_app_id_may_come_as_a_number(providers):
    """Graph has answered ids in both forms."""
    token = providers.facebook_token(token={"app_id": int(FACEBOOK_APP)})

    assert identify(provider="facebook", access_token=token).is_new


@pytest.mark.parametrize("provider", ["google-oauth2", "facebook"])
def test_an_unknown_token_is_refused(providers, provider):
    """Forged, expired or revoked: the provider says no."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider=provider, access_token="ya29.unknown")


def test_a_token_of_another_provider_is_refused(providers):
    """A Google token is none of Facebook's."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="facebook", access_token=providers.google_token())


def test_our_wrong_facebook_secret_signs_nobody_in(providers, settings):
    """A mistake in the settings refuses, and lets nobody in unchecked."""
    changed = tuple(replace(provider, client_secret="wrong") for provider in providers.configured)
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=changed)

    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="facebook", access_token=providers.facebook_token())


@pytest.mark.parametrize(
    "access_token",
    [
        "",
        "ya29.\0",
        "ya29.\n",
        "ya29.\x7f",
        "ya29.é",
        "ya29.\ud800",
        "ya29.\u202e",
        "x" * 4097,
        "x" * 1_000_000,
    ],
    ids=["empty", "NUL", "newline", "DEL", "non-ASCII", "surrogate", "bidi", "4097", "1 MB"],
)
@pytest.mark.parametrize("provider", ["google", "google-oauth2", "facebook"])
def test_what_is_no_token_by_its_form_goes_nowhere(providers, provider, access_token):
    """S36: refused before any outgoing call."""
    with nothing_changes(), pytest.raises(ProviderRejected) as refusal:
        identify(provider=provider, access_token=access_token)

    assert refusal.value.field == ACCESS_TOKEN
    assert providers.asked == []


def test_a_token_of_four_kilobytes_is_asked_about(providers):
    """S36: up to the limit."""
    with pytest.raises(ProviderRejected):
        identify(provider="google", access_token="x" * 4096)

    assert providers.paths == ["tokeninfo"]


@pytest.mark.parametrize(
    "provider", ["", "Google", "gitlab", "google-oauth2 ", "model", "\0", "\ud800", "x" * 1_000_000]
)
def test_a_provider_that_is_not_on_the_list_is_unknown(providers, provider):
    """S36."""
    with nothing_changes(), pytest.raises(ProviderUnknown) as refusal:
        identify(provider=provider, access_token=providers.google_token())

    assert refusal.value.field == ("provider",)
    assert providers.asked == []


@pytest.mark.parametrize("provider", ["google", "google-oauth2", "facebook"])
def test_a_provider_that_is_not_configured_is_unknown(providers, settings, provider):
    """S36: without our own id nothing could be checked."""
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=())

    with nothing_changes(), pytest.raises(ProviderUnknown):
        identify(provider=provider, access_token=providers.google_token())

    assert providers.asked == []


def test_a_backend_that_cannot_check_the_audience_is_not_supported(providers, settings):
    """S28: social-core's GitLab takes the token of any application."""
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "social_core.backends.gitlab.GitLabOAuth2",
    ]

    with nothing_changes(), pytest.raises(CredentialNotSupported) as refusal:
        identify(provider="gitlab", access_token="glpat-token")

    assert refusal.value.field == ACCESS_TOKEN


@pytest.mark.parametrize("subject", [None, "", 7, True, [], {}, "1\0", "1\n", "é", "x" * 256])
def test_a_subject_that_can_be_nobodys_key_is_no_answer(providers, subject):
    """S31: without a sound key there is no identity."""
    token = providers.google_token(sub=subject, token={"sub": None})

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="google", access_token=token)


@pytest.mark.parametrize("code", [[], {}, "4", None, True])
def test_a_strange_error_of_facebooks_is_a_refusal(providers, code):
    """Nothing falls over."""
    body = json.dumps({"error": {"code": code}}).encode()
    providers.faults["debug_token"] = lambda handler, status, _body: handler.reply(400, body)

    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="facebook", access_token=providers.facebook_token())


@pytest.mark.parametrize("error", [{"code": 4}, {"code": 613}, {"code": 2, "is_transient": True}])
def test_facebook_being_busy_is_no_refusal_of_the_token(providers, error):
    """The client shall try again, not throw the token away."""

    def busy(handler, status, body):
        handler.reply(400, str({"error": error}).replace("'", '"').replace("True", "true").encode())

    providers.faults["debug_token"] = busy

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="facebook", access_token=providers.facebook_token())


@pytest.mark.parametrize("provider", ["google", "facebook"])
def test_a_token_is_in_no_url_that_need_not_have_it(providers, provider):
    """URLs end up in logs on the way: header for header, but for the one parameter that Facebook demands."""
    token = providers.google_token() if provider == "google" else providers.facebook_token()
    identify(provider=provider, access_token=token)

    in_urls = [asked.path for asked in providers.asked if token in asked.query.values()]
    assert in_urls == ([] if provider == "google" else ["/facebook/v24.0/debug_token"])


@pytest.mark.parametrize("provider", ["google", "facebook"])
def test_no_token_and_no_secret_is_logged(providers, caplog, provider):
    """S47: at any level, signed in or refused."""
    caplog.set_level(logging.DEBUG)
    make = providers.google_token if provider == "google" else providers.facebook_token
    foreign = {"aud": FOREIGN, "app_id": "999"}
    good, bad = make(), make(token=foreign)

    identify(provider=provider, access_token=good)
    with pytest.raises(ProviderRejected) as refusal:
        identify(provider=provider, access_token=bad)

    told = caplog.text + str(refusal.value) + repr(refusal.value)
    assert "issued to" in caplog.text
    for secret in (good, bad, "facebook-app-secret"):
        assert secret not in told


def test_each_cause_has_its_line_in_the_log(providers, caplog):
    """Vague outside, precise inside."""
    caplog.set_level(logging.INFO, "accounts.social")
    for provider, token in [
        ("nobody", "x"),
        ("google", ""),
        ("google", "unknown"),
        ("google", providers.google_token(token={"aud": FOREIGN})),
        ("google", providers.google_token(token={"sub": "1"})),
        ("facebook", "unknown"),
        ("facebook", providers.facebook_token(token={"app_id": "999"})),
        ("facebook", providers.facebook_token(token={"user_id": "1"})),
    ]:
        with pytest.raises(AccountsError):
            identify(provider=provider, access_token=token)
    assert isinstance(identify(provider="google", access_token=providers.google_token(email=None)), Incomplete)

    lines = caplog.messages
    assert len(lines) == len(set(lines)) == 9
    assert not Account.objects.exists()
