"""`authConfig`: what a front end needs to draw its buttons."""

from dataclasses import replace

import pytest

from accounts.conf import EmailVerification
from accounts.people.models import Account
from tests.providers.registrations import APPLE_APP, APPLE_CLIENT, GITHUB_CLIENT

CONFIG = """
{ authConfig { signInMethods socialProviders { name label clientIds scopes credentials nonceRequired } } }
"""


@pytest.fixture
def config(graphql, providers):
    """Ask for it."""
    return lambda **more: graphql(CONFIG, **more).data["authConfig"]


def test_it_lists_what_is_switched_on(config):
    """In the order of the settings, with the credentials that each takes, best first."""
    found = config()

    assert found["signInMethods"] == ["PASSWORD", "SOCIAL", "EMAIL_CODE", "PASSKEY"]
    assert {one["name"]: one["credentials"] for one in found["socialProviders"]} == {
        "google-oauth2": ["ID_TOKEN", "CODE", "ACCESS_TOKEN"],
        "apple-id": ["ID_TOKEN", "CODE"],
        "facebook": ["ACCESS_TOKEN", "ID_TOKEN", "CODE"],
        "microsoft": ["ID_TOKEN", "CODE"],
        "github": ["CODE", "ACCESS_TOKEN"],
        "corp": ["ID_TOKEN", "CODE", "ACCESS_TOKEN"],
    }
    apple = found["socialProviders"][1]
    assert apple == {
        "name": "apple-id",
        "label": "Apple",
        "clientIds": [APPLE_CLIENT, APPLE_APP],
        "scopes": ["openid", "name", "email"],
        "credentials": ["ID_TOKEN", "CODE"],
        "nonceRequired": False,
    }


@pytest.mark.parametrize("name", ["google-oauth2", "github"])
def test_whether_a_nonce_is_needed(config, reconfigure, name):
    """Where there are ID tokens."""
    reconfigure(name, nonce_required=True)

    [provider] = [one for one in config()["socialProviders"] if one["name"] == name]
    assert provider["nonceRequired"] is (name == "google-oauth2")


@pytest.mark.parametrize(
    ("name", "change", "credentials"),
    [
        ("google-oauth2", {"client_secret": ""}, ["ID_TOKEN", "ACCESS_TOKEN"]),
        ("apple-id", {"private_key": ""}, ["ID_TOKEN"]),
        ("microsoft", {"client_secret": ""}, ["ID_TOKEN"]),
        ("corp", {"introspection": False}, ["ID_TOKEN", "CODE"]),
    ],
)
def test_what_is_not_set_up_is_not_offered(config, reconfigure, name, change, credentials):
    """A button that could not work."""
    reconfigure(name, **change)

    assert [one["credentials"] for one in config()["socialProviders"] if one["name"] == name] == [credentials]


def test_without_providers(config, settings):
    """Passwords alone."""
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=())

    assert config() == {"signInMethods": ["PASSWORD", "EMAIL_CODE", "PASSKEY"], "socialProviders": []}


def test_it_says_what_a_password_must_be(graphql, settings):
    """S5: as the settings have it, so that a form says it before a password fails. Strength is not estimated."""
    query = "{ authConfig { passwordPolicy { minLength maxBytes minStrength } } }"

    def policy() -> dict[str, int | None]:
        return graphql(query).data["authConfig"]["passwordPolicy"]

    assert policy() == {"minLength": 15, "maxBytes": 1024, "minStrength": None}

    settings.LATCHKEY = replace(settings.LATCHKEY, password_min_length=20)
    assert policy()["minLength"] == 20


def test_it_is_the_same_for_everyone_and_asks_nobody(config, providers, signed_in, django_assert_num_queries):
    """Also with a stale token; no statement, no call."""
    with django_assert_num_queries(0):
        assert config(token="stale") == config() == config(token=signed_in.access_token)
    assert providers.asked == []


def test_it_holds_no_secret(graphql, providers, settings):
    """Public ids only."""
    text = str(graphql(CONFIG).body)

    for provider in settings.LATCHKEY.providers:
        assert not provider.client_secret or provider.client_secret not in text
    assert "PRIVATE KEY" not in text
    assert GITHUB_CLIENT in text
    assert not Account.objects.exists()


@pytest.mark.parametrize("policy", EmailVerification)
def test_it_tells_what_registration_takes(graphql, settings, policy):
    """Front ends draw their sign-up by it."""
    settings.LATCHKEY = replace(
        settings.LATCHKEY, email_verification=policy, registration_open=False, sign_in_by_mail=False
    )

    found = graphql("{ authConfig { emailVerification registrationOpen signInMethods } }").data["authConfig"]

    assert found == {
        "emailVerification": policy.name,
        "registrationOpen": False,
        "signInMethods": ["PASSWORD", "PASSKEY"],
    }


@pytest.mark.parametrize(("days", "offered"), [(0, None), (30, 30)])
def test_it_says_for_how_long_a_browser_can_be_remembered(graphql, settings, days, offered):
    """A page asks whether to remember the browser only where the service does."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_remember_days=days)

    found = graphql("{ authConfig { rememberBrowserDays } }").data["authConfig"]
    assert found == {"rememberBrowserDays": offered}
