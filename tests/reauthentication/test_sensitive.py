"""S88: every mutation is sensitive or not, and the sensitive ones refuse a session that was not proved lately."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.factors import sealing
from accounts.mfa import authenticator_app
from accounts.people.models import Account
from accounts.tokens.models import Session
from schema.root import schema
from tests.api import ME, PASSWORD, SignedIn, codes
from tests.codes_plugin import listed_codes
from tests.factories import make_account
from tests.factors.test_totp import set_up
from tests.providers.stored import nothing_changes
from tests.reauthentication.factors import by_app, by_passkey, by_recovery_code, passkey_of
from tests.reauthentication.test_reauthenticate import REAUTHENTICATE

MUTATIONS: dict[str, Any] = schema._schema.mutation_type.fields  # type: ignore[union-attr]
NEW = "a passphrase of the holder"


def enrollment(holder: SignedIn) -> dict[str, Any]:
    """An app that is being set up in the session, and a code that it does not show."""
    session = Session.objects.filter(account=holder.account).earliest("created_at")
    state = {
        authenticator_app.ACCOUNT: str(holder.account.pk),
        authenticator_app.SECRET: "A" * 32,
        authenticator_app.BOUND_TO: str(session.pk),
        authenticator_app.BY_CHALLENGE: False,
    }
    token = sealing.token(authenticator_app.TOTP_ENROLLMENT, lifetime=60, **state)
    return {"challengeToken": token, "code": "x"}


Given = dict[str, Any] | Callable[[SignedIn], dict[str, Any]] | None

SENSITIVE: dict[str, Given] = {
    "linkSocialAccount": {"source": {"credential": {"provider": "google", "credential": {"accessToken": "x"}}}},
    "unlinkSocialAccount": {"id": "x"},
    "changePassword": {"newPassword": NEW},
    "requestEmailChange": {"newEmail": "new@example.com"},
    "deleteAccount": {},
    "exportAccount": None,
    "createTotpEnrollment": None,
    "confirmTotpEnrollment": enrollment,
    "disableTotp": None,
    "regenerateRecoveryCodes": None,
    "createPasskeyRegistration": {},
    "addPasskey": {"challengeToken": "x", "response": {}},
    "removePasskey": {"id": "x"},
}
"""What needs a recent proof, with an input of each. `changePassword` only for an account without a password."""
PROVING = {"reauthenticate"}
"""Says REAUTHENTICATION_REQUIRED of half a proof."""

NOT_SENSITIVE = {
    # They prove who one is themselves, or begin that.
    "register", "tokenAuth", "convertSocialToken", "answerProfileChallenge", "createSocialAuthUrl",
    "createSocialNonce", "reauthenticate", "requestLoginCode", "tokenAuthWithCode", "requestReauthenticationCode",
    "createPasskeyAssertion", "tokenAuthWithPasskey",
    # They prove the mailbox, or begin that.
    "requestPasswordReset", "resetPassword", "secureAccount",
    "verifyEmail", "answerEmailVerificationChallenge", "resendVerification",
    # They continue or end sessions, which a victim does in a hurry (S89).
    "refreshToken", "revokeToken", "revokeSession", "revokeOtherSessions", "revokeAllSessions",
    # They need what was mailed, and give an address or an account back, or finish what needed a proof.
    "confirmEmailChange", "cancelEmailChange", "undoEmailChange", "cancelAccountDeletion", "disownRegistration",
    # They answer a challenge of a sign-in.
    "answerMfaChallenge", "answerMfaEnrollmentChallenge",
    # Names and language open nothing.
    "updateAccount", "renamePasskey",
}  # fmt: skip


def document(mutation: str) -> str:
    """The mutation, with its input as a variable."""
    arguments = MUTATIONS[mutation].args
    if not arguments or SENSITIVE.get(mutation, arguments) is None:
        return f"mutation {{ {mutation} {{ errors {{ code }} }} }}"
    return f"mutation ($input: {arguments['input'].type}) {{ {mutation}(input: $input) {{ errors {{ code }} }} }}"


@pytest.fixture
def send(graphql):
    """Send a sensitive mutation with its input: the codes of its payload."""

    def call(mutation: str, holder: SignedIn, given: Given = None) -> list[str]:
        given = given or SENSITIVE[mutation]
        variables = {} if given is None else {"input": given(holder) if callable(given) else given}
        return codes(graphql(document(mutation), token=holder.access_token, **variables).data[mutation])

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

    assert saying - PROVING == SENSITIVE.keys()


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
        assert send(mutation, holder) == ["REAUTHENTICATION_REQUIRED"]
    assert providers.asked == []


@pytest.mark.parametrize("mutation", SENSITIVE)
def test_a_recent_sign_in_is_proof_enough(send, holder, mutation):
    """Whatever else may be wrong then."""
    assert "REAUTHENTICATION_REQUIRED" not in send(mutation, holder)


@pytest.mark.parametrize("mutation", SENSITIVE)
def test_another_sessions_proof_is_none(send, holder, sign_in, mutation):
    """Of the same account: a thief's session does not profit from the holder's."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    if mutation != "changePassword":
        sign_in(holder.account)

    assert send(mutation, holder) == ["REAUTHENTICATION_REQUIRED"]


@pytest.mark.parametrize("mutation", ["linkSocialAccount", "unlinkSocialAccount", "deleteAccount", "exportAccount"])
def test_a_new_proof_opens_it(send, graphql, holder, mutation):
    """As the error asks for."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    given = {"credential": {"password": PASSWORD}}
    assert graphql(REAUTHENTICATE, token=holder.access_token, input=given).data["reauthenticate"]["errors"] == []

    assert "REAUTHENTICATION_REQUIRED" not in send(mutation, holder)


def test_a_password_is_changed_by_the_present_one_alone(graphql, signed_in):
    """It is a proof, and a better one than a session's age."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    given = {"currentPassword": PASSWORD, "newPassword": NEW}

    payload = graphql(document("changePassword"), token=signed_in.access_token, input=given).data["changePassword"]

    assert payload["errors"] == []


# With a second factor on

BY_CURRENT_PASSWORD = {"currentPassword": PASSWORD, "newPassword": NEW}
CASES = [*((mutation, None) for mutation in SENSITIVE), ("changePassword", BY_CURRENT_PASSWORD)]
with_each = pytest.mark.parametrize(("mutation", "given"), CASES, ids=str)
with_each_but_the_password = pytest.mark.parametrize(("mutation", "given"), CASES[:-1], ids=str)
"""The current password is a first factor that the change shows itself."""


@pytest.fixture
def guarded(holder, given) -> SignedIn:
    """With an authenticator app, in a session of long ago; with the password where the change shows it."""
    if given is BY_CURRENT_PASSWORD:
        password = make_account().password
        Account._base_manager.filter(pk=holder.account.pk).update(password=password)
    holder.account.secret = set_up(holder.account)
    long_ago = timezone.now() - timedelta(days=1)
    Session.objects.update(authenticated_at=long_ago, factor_proved_at=long_ago)
    return holder


@pytest.fixture
def prove(graphql):
    """Send a credential: the codes of its payload."""

    def send(holder: SignedIn, credential: dict[str, Any]) -> list[str]:
        given = {"credential": credential}
        return codes(graphql(REAUTHENTICATE, token=holder.access_token, input=given).data["reauthenticate"])

    return send


@with_each
@pytest.mark.parametrize("method", ["password", "email_code", "social"])
@pytest.mark.parametrize("factor", ["never", "long ago"])
def test_a_first_factor_alone_does_nothing_sensitive(send, guarded, mutation, given, method, factor, providers):
    """S88: whoever has the session and the mailbox, or the session and the password."""
    Session.objects.update(authenticated_at=timezone.now(), authentication_methods=[method])
    if factor == "never":
        Session.objects.update(factor_proved_at=None)

    with nothing_changes():
        assert send(mutation, guarded, given) == ["REAUTHENTICATION_REQUIRED"]
    assert providers.asked == []


@with_each_but_the_password
@pytest.mark.parametrize("factor", [by_app, by_recovery_code])
def test_a_second_factor_alone_does_nothing_sensitive(send, prove, guarded, mutation, given, factor):
    """Whoever has the session and the telephone."""
    assert prove(guarded, factor(guarded)) == ["REAUTHENTICATION_REQUIRED"]

    with nothing_changes():
        assert send(mutation, guarded, given) == ["REAUTHENTICATION_REQUIRED"]


@with_each
@pytest.mark.parametrize("factor", [by_app, by_recovery_code])
def test_both_factors_together_pass(send, prove, guarded, mutation, given, factor):
    """S88: whatever else may be wrong then. The password need not be shown twice."""
    Session.objects.update(authenticated_at=timezone.now(), authentication_methods=["password"])
    if given is BY_CURRENT_PASSWORD:
        Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))
    prove(guarded, factor(guarded))

    assert "REAUTHENTICATION_REQUIRED" not in send(mutation, guarded, given)


@with_each
def test_a_passkey_that_verifies_its_user_passes_alone(send, prove, guarded, mutation, given):
    """S88: it is both factors."""
    assert prove(guarded, by_passkey(guarded, passkey_of(guarded))) == []

    assert "REAUTHENTICATION_REQUIRED" not in send(mutation, guarded, given)


@with_each_but_the_password
def test_a_session_without_methods_is_not_opened_by_a_factor(send, prove, guarded, mutation, given):
    """One of your own code, or of an authorization code: that it begins is no first factor."""
    Session.objects.update(authenticated_at=timezone.now(), authentication_methods=[])
    prove(guarded, by_app(guarded))

    with nothing_changes():
        assert send(mutation, guarded, given) == ["REAUTHENTICATION_REQUIRED"]


def test_the_password_is_not_guessed_without_the_factor(graphql, signed_in):
    """S52: what is missing is told before it is looked at."""
    set_up(signed_in.account)
    given = {"currentPassword": "wrong", "newPassword": NEW}

    payload = graphql(document("changePassword"), token=signed_in.access_token, input=given).data["changePassword"]

    assert codes(payload) == ["REAUTHENTICATION_REQUIRED"]


def test_reading_needs_no_proof(graphql, signed_in):
    """S89: everything about oneself is read in a stale session."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=30))
    query = "{ me { email sessions { nodes { id } } securityEvents { nodes { type } } socialAccounts { id } } }"

    assert graphql(query, token=signed_in.access_token).data["me"]["email"] == signed_in.account.email
