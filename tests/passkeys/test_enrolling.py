"""A passkey that has to be set up before a sign-in ends (MfaEnrollmentChallenge)."""

import pytest

from accounts.factors.models import Passkey
from accounts.guard.models import SecurityEvent
from accounts.tokens.models import Session
from tests.api import ME, codes, refusals
from tests.authenticator import Authenticator
from tests.mails import queued
from tests.mfa.calls import challenge, finish
from tests.passkeys.calls import add, begin, begun, creation
from tests.providers.stored import nothing_changes

pytestmark = pytest.mark.usefixtures("required_of_all")


@pytest.fixture
def step(graphql, account) -> str:
    """The token of the challenge that follows the password."""
    return challenge(graphql, account)


def test_a_passkey_is_set_up_on_the_way(graphql, account, step, authenticator):
    """No Bearer token is needed, and none is given before the end. Recovery codes come with it."""
    given = creation(begun(graphql, None, challengeToken=step), authenticator)

    payload = add(graphql, None, given)

    assert payload["errors"] == []
    assert payload["account"] is None
    assert len(payload["recoveryCodes"]) == 10
    assert Passkey.objects.get().account == account
    assert SecurityEvent.objects.get(type="passkey:add").client == "web"
    assert "passkey_added" in queued(account.email)
    assert not Session.objects.exists()
    tokens = finish(graphql, step)["tokens"]
    assert graphql(ME, token=tokens["accessToken"]).data["me"]["email"] == account.email


def test_a_security_key_that_verifies_nobody_is_enough(graphql, step):
    """It is the second factor: the password was shown before."""
    given = creation(begun(graphql, None, challengeToken=step), Authenticator(uv=False, discoverable=False))

    payload = add(graphql, None, given)

    assert payload["errors"] == []
    assert not payload["passkey"]["canSignIn"]
    assert finish(graphql, step)["tokens"]


def test_the_ceremony_belongs_to_the_challenge(graphql, account, step, authenticator):
    """S76, S78: a later challenge of the same account is finished by what was set up through it only."""
    given = creation(begun(graphql, None, challengeToken=step), authenticator)
    later = challenge(graphql, account)
    assert add(graphql, None, given)["errors"] == []

    assert codes(finish(graphql, later)) == ["MFA_NOT_ENABLED"]
    assert codes(begin(graphql, None, challengeToken=later)) == ["INVALID_CHALLENGE"]
    assert not Session.objects.exists()


def test_a_challenge_is_finished_once(graphql, step, authenticator):
    """Afterwards it sets up nothing more."""
    late = creation(begun(graphql, None, challengeToken=step), Authenticator())
    assert add(graphql, None, creation(begun(graphql, None, challengeToken=step), authenticator))["errors"] == []
    finish(graphql, step)

    with nothing_changes():
        assert refusals(begin(graphql, None, challengeToken=step)) == [("INVALID_CHALLENGE", ["challengeToken"])]
        assert refusals(add(graphql, None, late)) == [("INVALID_CHALLENGE", ["challengeToken"])]


@pytest.mark.parametrize("token", ["", "x", "é", "\0", "x" * 5000])
def test_a_token_of_nothing(graphql, token):
    """INVALID_CHALLENGE; an empty one is none, and asks for a Bearer token."""
    if token:
        assert codes(begin(graphql, None, challengeToken=token)) == ["INVALID_CHALLENGE"]
    assert codes(add(graphql, None, {"challengeToken": token, "response": {}})) == ["INVALID_CHALLENGE"]
