"""S88: every mutation is sensitive or not, and the sensitive ones refuse a session that was not proved lately."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.people.models import Account
from accounts.tokens.models import Session
from schema.root import schema
from tests.api import ME, PASSWORD, SignedIn, codes
from tests.codes_plugin import listed_codes
from tests.factories import make_account
from tests.providers.stored import nothing_changes
from tests.reauthentication.test_reauthenticate import REAUTHENTICATE

MUTATIONS: dict[str, Any] = schema._schema.mutation_type.fields  # type: ignore[union-attr]
NEW = "a passphrase of the holder"

SENSITIVE: dict[str, dict[str, Any] | None] = {
    "linkSocialAccount": {"source": {"credential": {"provider": "google", "credential": {"accessToken": "x"}}}},
    "unlinkSocialAccount": {"id": "x"},
    "changePassword": {"newPassword": NEW},
    "requestEmailChange": {"newEmail": "new@example.com"},
    "deleteAccount": {},
    "exportAccount": None,
}
"""What needs a recent proof, with an input of each. `changePassword` only for an account without a password."""

NOT_SENSITIVE = {
    # They prove who one is themselves, or begin that.
    "register", "tokenAuth", "convertSocialToken", "answerProfileChallenge", "createSocialAuthUrl",
    "createSocialNonce", "reauthenticate", "requestLoginCode", "tokenAuthWithCode", "requestReauthenticationCode",
    # They prove the mailbox, or begin that.
    "requestPasswordReset", "resetPassword", "secureAccount",
    "verifyEmail", "answerEmailVerificationChallenge", "resendVerification",
    # They continue or end sessions, which a victim does in a hurry (S89).
    "refreshToken", "revokeToken", "revokeSession", "revokeOtherSessions", "revokeAllSessions",
    # They need what was mailed, and give an address or an account back, or finish what needed a proof.
    "confirmEmailChange", "cancelEmailChange", "undoEmailChange", "cancelAccountDeletion", "disownRegistration",
    # Names and language open nothing.
    "updateAccount",
}  # fmt: skip


def document(mutation: str) -> str:
    """The mutation, with its input as a variable."""
    arguments = MUTATIONS[mutation].args
    if not arguments:
        return f"mutation {{ {mutation} {{ errors {{ code }} }} }}"
    return f"mutation ($input: {arguments['input'].type}) {{ {mutation}(input: $input) {{ errors {{ code }} }} }}"


@pytest.fixture
def send(graphql):
    """Send a sensitive mutation with its input: the codes of its payload."""

    def call(mutation: str, token: str) -> list[str]:
        given = SENSITIVE[mutation]
        variables = {} if given is None else {"input": given}
        return codes(graphql(document(mutation), token=token, **variables).data[mutation])

    return call


@pytest.fixture
def holder(sign_in, graphql, mutation, providers) -> SignedIn:
    """Somebody who has used their session, with a link; without a password where that makes it sensitive."""
    account = make_account()
    UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid="7", id_key="sub")
    signed_in: SignedIn = sign_in(account)
    if mutation == "changePassword":
        Account._base_manager.filter(pk=account.pk).update(password="!")
    graphql(ME, token=signed_in.access_token)
    return signed_in


def test_every_mutation_is_classed():
    """A new one cannot be forgotten."""
    assert MUTATIONS.keys() == SENSITIVE.keys() | NOT_SENSITIVE
    assert not SENSITIVE.keys() & NOT_SENSITIVE


def test_the_schema_says_which_are_sensitive():
    """By the codes that front ends read."""
    saying = {mutation for mutation in MUTATIONS if "REAUTHENTICATION_REQUIRED" in listed_codes(mutation)}

    assert saying == SENSITIVE.keys()


@pytest.mark.parametrize("mutation", SENSITIVE)
@pytest.mark.parametrize("why", ["long ago", "never"])
def test_a_stale_session_does_nothing_sensitive(send, holder, mutation, why, providers):
    """Nothing is stored, and no provider is asked."""
    changes = {
        "long ago": {"authenticated_at": timezone.now() - timedelta(minutes=10)},
        "never": {"authentication_methods": []},
    }
    Session.objects.update(**changes[why])

    with nothing_changes():
        assert send(mutation, holder.access_token) == ["REAUTHENTICATION_REQUIRED"]
    assert providers.asked == []


@pytest.mark.parametrize("mutation", SENSITIVE)
def test_a_recent_sign_in_is_proof_enough(send, holder, mutation):
    """Whatever else may be wrong then."""
    assert "REAUTHENTICATION_REQUIRED" not in send(mutation, holder.access_token)


@pytest.mark.parametrize("mutation", SENSITIVE)
def test_another_sessions_proof_is_none(send, holder, sign_in, mutation):
    """Of the same account: a thief's session does not profit from the holder's."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    if mutation != "changePassword":
        sign_in(holder.account)

    assert send(mutation, holder.access_token) == ["REAUTHENTICATION_REQUIRED"]


@pytest.mark.parametrize("mutation", ["linkSocialAccount", "unlinkSocialAccount", "deleteAccount", "exportAccount"])
def test_a_new_proof_opens_it(send, graphql, holder, mutation):
    """As the error asks for."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    given = {"credential": {"password": PASSWORD}}
    assert graphql(REAUTHENTICATE, token=holder.access_token, input=given).data["reauthenticate"]["errors"] == []

    assert "REAUTHENTICATION_REQUIRED" not in send(mutation, holder.access_token)


def test_a_password_is_changed_by_the_present_one_alone(graphql, signed_in):
    """It is a proof, and a better one than a session's age."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    given = {"currentPassword": PASSWORD, "newPassword": NEW}

    payload = graphql(document("changePassword"), token=signed_in.access_token, input=given).data["changePassword"]

    assert payload["errors"] == []


def test_reading_needs_no_proof(graphql, signed_in):
    """S89: everything about oneself is read in a stale session."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=30))
    query = "{ me { email sessions { nodes { id } } securityEvents { nodes { type } } socialAccounts { id } } }"

    assert graphql(query, token=signed_in.access_token).data["me"]["email"] == signed_in.account.email
