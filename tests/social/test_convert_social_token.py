"""`convertSocialToken`: what the API answers where the domain refuses. For verification: test_social_verification."""

import pytest

from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, ME
from tests.factories import make_account, make_client
from tests.providers import faults


@pytest.fixture
def convert(graphql):
    """The payload of a conversion of a Google token."""

    def send(credential="x", *, token=None, **more):
        given = {"provider": "google-oauth2", "credential": {"accessToken": credential}, **more}
        return graphql(CONVERT, token=token, input=given).data["convertSocialToken"]

    return send


def failures(payload) -> list[tuple[str, list[str] | None]]:
    """Code and field of each error; nobody is signed in."""
    assert payload["tokens"] is None
    assert payload["account"] is None
    assert payload["isNewAccount"] is False
    assert not Session.objects.exists()
    return [(error["code"], error["field"]) for error in payload["errors"]]


@pytest.mark.parametrize("provider", ["google-oauth2", "google", "facebook"])
def test_a_first_sign_in_makes_an_account_and_a_later_one_finds_it(convert, graphql, providers, provider):
    """`google` is another name of the same provider, not another identity."""
    issue = providers.facebook_token if provider == "facebook" else providers.google_token
    first = convert(issue(), provider=provider)
    again = convert(issue(), provider=provider.replace("google-oauth2", "google"))

    assert (first["isNewAccount"], again["isNewAccount"]) == (True, False)
    assert first["account"] == again["account"]
    assert graphql(ME, token=again["tokens"]["accessToken"]).data["me"] == first["account"]


@pytest.mark.parametrize("provider", ["", "twitter", "Google", "google-oauth2\0", "saml", "email", "username"])
def test_an_unknown_provider(convert, providers, provider):
    """S36: an allow-list."""
    assert failures(convert(provider=provider)) == [("PROVIDER_UNKNOWN", ["provider"])]


def test_a_provider_that_is_not_configured(convert, settings):
    """As if it did not exist."""
    settings.LATCHKEY = type(settings.LATCHKEY)()

    assert failures(convert()) == [("PROVIDER_UNKNOWN", ["provider"])]


def test_a_provider_that_does_not_tell_whom_a_token_is_for(convert, settings):
    """Trap 12: social-core's own back ends take the access token of any application."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.gitlab.GitLabOAuth2"]

    found = failures(convert(provider="gitlab"))

    assert found == [("CREDENTIAL_NOT_SUPPORTED", ["credential", "accessToken"])]


def test_a_token_of_another_application(convert, providers):
    """S28: no account."""
    token = providers.google_token(token={"aud": "evil", "azp": "evil"})

    assert [code for code, _ in failures(convert(token))] == ["PROVIDER_REJECTED"]
    assert not Account.objects.exists()


def test_a_provider_that_fails(convert, providers):
    """S37."""
    providers.faults["userinfo"] = faults.internal_error

    assert [code for code, _ in failures(convert(providers.google_token()))] == ["PROVIDER_UNAVAILABLE"]
    assert not Account.objects.exists()


def test_a_person_without_an_address(convert, providers):
    """It can be asked for; until then there is no account."""
    assert failures(convert(providers.google_token(email=None))) == [("PROFILE_REQUIRED", None)]
    assert not Account.objects.exists()


def test_an_address_that_belongs_to_an_account(convert, providers):
    """S33: never linked by itself."""
    make_account(email="ADA@example.com", email_verified=True)

    assert failures(convert(providers.google_token())) == [("LINK_REQUIRED", None)]
    assert Account.objects.count() == 1


def test_a_disabled_account(convert, providers):
    """S34: last_login stays."""
    convert(providers.google_token())
    Session.objects.all().delete()
    Account.objects.update(is_active=False, last_login=None)

    assert failures(convert(providers.google_token())) == [("ACCOUNT_DISABLED", None)]
    assert Account.objects.get().last_login is None


def test_the_bearer_of_another_is_not_signed_in_again(convert, providers, signed_in):
    """S25: neither A's account nor a link to it."""
    payload = convert(providers.google_token(), token=signed_in.access_token)

    assert payload["account"]["email"] == "ada@example.com" != signed_in.account.email
    assert Account.objects.count() == 2


@pytest.mark.parametrize(
    ("given", "failure"),
    [
        ({"clientId": "nobody"}, ("INVALID_CLIENT", ["clientId"])),
        ({"clientSecret": "x"}, ("INVALID_CLIENT", ["clientSecret"])),
        ({"scope": "admin"}, ("INVALID_SCOPE", ["scope"])),
    ],
)
def test_the_client_comes_first(convert, providers, given, failure):
    """S66: before the provider is asked, and nothing is made."""
    providers.faults["tokeninfo"] = providers.faults["userinfo"] = faults.internal_error

    assert failures(convert(providers.google_token(), **given)) == [failure]
    assert not Account.objects.exists()


def test_a_confidential_client_needs_its_secret(convert, providers):
    """S66: drf-social-oauth2's hole."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)
    token = providers.google_token()

    assert failures(convert(token, clientId=client.client_id)) == [("INVALID_CLIENT", ["clientSecret"])]
    assert not Account.objects.exists()
    assert convert(token, clientId=client.client_id, clientSecret=secret)["errors"] == []


def test_the_cookie_is_not_for_everyone(convert, providers):
    """S51: without the header and the Origin of a front end of ours."""
    payload = convert(providers.google_token(), refreshTokenTransport="COOKIE")

    assert failures(payload) == [("TRANSPORT_NOT_ALLOWED", ["refreshTokenTransport"])]
    assert not Account.objects.exists()


@pytest.mark.parametrize("access_token", ["", "\0", "\x7f", "é", "🦊", "x\n", "x" * 5000, "a\r\nHost: evil.example"])
def test_what_is_no_credential_never_goes_out(convert, providers, access_token):
    """S36: printable ASCII, up to 4 KB, before any call."""
    providers.faults["tokeninfo"] = faults.internal_error

    assert [code for code, _ in failures(convert(access_token))] == ["PROVIDER_REJECTED"]
