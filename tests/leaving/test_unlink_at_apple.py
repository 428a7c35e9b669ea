"""`unlinkSocialAccount` with `appleCode`: Apple is told first, or nothing is unlinked."""

from datetime import timedelta

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.tokens.models import Session
from tests.api import ME, SOCIAL_ACCOUNTS, UNLINK, codes, refusals
from tests.factories import make_account
from tests.providers import faults
from tests.providers.registrations import APPLE_APP
from tests.providers.stored import nothing_changes

SUBJECT = "001544.a1b2c3.1234"
FIELD = ["appleCode"]


@pytest.fixture
def ada(sign_in, graphql, providers):
    """With a password and identities at Apple and Google; the token was used before."""
    account = make_account()
    for provider, uid in [("apple-id", SUBJECT), ("google-oauth2", "7")]:
        UserSocialAuth.objects.create(user=account, provider=provider, uid=uid)
    signed_in = sign_in(account)
    graphql(ME, token=signed_in.access_token)
    return signed_in


@pytest.fixture
def unlink(graphql, ada):
    """The payload of unlinking Ada's identity at a provider."""

    def send(provider="apple-id", **more):
        linked = graphql(f"{{ me {{ {SOCIAL_ACCOUNTS} }} }}", token=ada.access_token).data["me"]["socialAccounts"]
        (id_,) = [one["id"] for one in linked if one["provider"] == provider]
        return graphql(UNLINK, token=ada.access_token, input={"id": id_, **more}).data["unlinkSocialAccount"]

    return send


def test_apple_is_told(unlink, providers):
    """What came for the code is revoked, and the identity unlinked."""
    apple = providers["apple"]

    payload = unlink(appleCode=apple.code(client=APPLE_APP))

    assert payload["errors"] == []
    assert apple.revoked == list(apple.refresh_tokens)
    assert not UserSocialAuth.objects.filter(provider="apple-id").exists()


def test_apple_is_not_told_without_a_code(unlink, providers):
    """As for every other provider."""
    assert unlink()["errors"] == []
    assert providers.asked == []


@pytest.mark.parametrize("fault", [faults.internal_error, faults.hangs_up])
def test_when_apple_fails_nothing_is_unlinked(unlink, providers, fault):
    """S37: one can try again with another code."""
    providers.faults["revoke"] = fault

    with nothing_changes():
        assert codes(unlink(appleCode=providers["apple"].code(client=APPLE_APP))) == ["PROVIDER_UNAVAILABLE"]


def test_the_code_of_somebody_else_unlinks_nothing(unlink, providers):
    """And revokes nothing."""
    apple = providers["apple"]

    with nothing_changes():
        payload = unlink(appleCode=apple.code(client=APPLE_APP, sub="001544.somebody.else"))
    assert refusals(payload) == [("PROVIDER_REJECTED", FIELD)]
    assert apple.revoked == []


def test_a_code_of_apple_unlinks_no_other_identity(unlink, providers):
    """Although the account has one at Apple too; nobody is asked."""
    with nothing_changes():
        payload = unlink("google-oauth2", appleCode=providers["apple"].code(client=APPLE_APP))
    assert refusals(payload) == [("PROVIDER_REJECTED", FIELD)]
    assert providers.asked == []


def test_the_last_way_to_sign_in_stays_and_apple_is_not_told(unlink, providers, ada):
    """S38: else the person could not sign in with Apple either."""
    UserSocialAuth.objects.exclude(provider="apple-id").delete()
    ada.account.__class__._base_manager.filter(pk=ada.account.pk).update(password="!")

    with nothing_changes():
        assert codes(unlink(appleCode=providers["apple"].code(client=APPLE_APP))) == ["LAST_SIGN_IN_METHOD"]
    assert providers.asked == []


def test_it_needs_a_recent_proof_before_apple_is_told(unlink, providers):
    """S88."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))

    with nothing_changes():
        assert codes(unlink(appleCode=providers["apple"].code(client=APPLE_APP))) == ["REAUTHENTICATION_REQUIRED"]
    assert providers.asked == []


def test_codes_cannot_be_tried_without_end(unlink, limit_converting):
    """S56."""
    limit_converting(2)

    assert [codes(unlink(appleCode="no-such-code")) for _ in range(3)] == [
        ["PROVIDER_REJECTED"],
        ["PROVIDER_REJECTED"],
        ["RATE_LIMITED"],
    ]
