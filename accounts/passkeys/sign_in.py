"""Sign in with a passkey, and ask for one."""

import uuid

from django.db import transaction

from accounts.challenges import steps
from accounts.errors import InvalidChallenge
from accounts.factors import webauthn
from accounts.factors.answers import credential_id_of, rejected
from accounts.factors.errors import PasskeyRejected
from accounts.factors.models import Passkey
from accounts.factors.webauthn import Ceremony, PasskeyPurpose
from accounts.guard import events, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mfa.challenges import MFA
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer, ClientGrant, TokenSet
from accounts.tokens.models import AuthenticationMethod
from accounts.tokens.sessions import live_session_of
from accounts.verification.pending import is_mandatory


def ask_to_sign_in(*, client_id: str | None, caller: Caller) -> Ceremony:
    """Options for signing in with any passkey of this service, for this client. Raises InvalidClient, RateLimited.

    Nothing is stored, and no limit counts it unless the address has used up its attempts: each visit of a sign-in page
    asks, and many people share an address.
    """
    client = bearer_tokens.known_client(client_id)
    with limits.attempt(Action.FACTOR, caller=caller):
        return webauthn.begin_assertion(PasskeyPurpose.SIGN_IN, account=None, bound_to=str(client.pk))


def ask_for_factor(*, challenge_token: str, caller: Caller) -> Ceremony:
    """Options for answering an MfaChallenge with a passkey of its account. Raises InvalidChallenge, RateLimited."""
    with limits.attempt(Action.FACTOR, caller=caller):
        challenge = steps.pending(challenge_token, MFA)
        account = challenge.account
        if account is None:
            raise InvalidChallenge(field=("challenge_token",))
        return webauthn.begin_assertion(PasskeyPurpose.SECOND_FACTOR, account=account, bound_to=challenge.digest)


def ask_to_reauthenticate(*, bearer: Bearer) -> Ceremony:
    """Options for proving who one is with a passkey of the account. Raises InvalidToken if the session has ended."""
    session = live_session_of(bearer)
    return webauthn.begin_assertion(PasskeyPurpose.REAUTHENTICATION, account=bearer.account, bound_to=str(session.pk))


def sign_in(*, token: str, response: object, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    """Check the answer of a passkey, which finds its account, and issue the first tokens.

    Raises InvalidChallenge; PasskeyRejected, also for an account that may not sign in; RateLimited.
    """
    client, end_user = grant.client.client_id, grant.end_user(caller)
    with (
        origin.acting(client=client, caller=end_user),
        events.failures(
            EventType.SIGN_IN_FAILED, subject=lambda: _holder_of(response), method=AuthenticationMethod.PASSKEY
        ),
        limits.attempt(Action.FACTOR, caller=end_user, client=client),
    ):
        try:
            account, tokens = _signed_in(token, response, grant, caller)
        except (InvalidChallenge, PasskeyRejected) as error:
            raise error.below("passkey") from None
    # It named no account before it was checked.
    limits.remember(account=account.email, caller=end_user)
    return account, tokens


@transaction.atomic
def _signed_in(token: str, response: object, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    bound_to = str(grant.client.pk)
    passkey = webauthn.verify_assertion(token, response, PasskeyPurpose.SIGN_IN, account=None, bound_to=bound_to)
    account = passkey.account
    if is_mandatory() and not account.email_verified:
        raise rejected("address not verified")
    try:
        tokens = bearer_tokens.issue(
            account=account, grant=grant, caller=caller, methods=(AuthenticationMethod.PASSKEY,)
        )
    except AccountDisabled:
        raise rejected("account disabled") from None
    return account, tokens


def _holder_of(response: object) -> uuid.UUID | None:
    """The account whose passkey is said to answer."""
    try:
        credential_id = credential_id_of(response)
    except PasskeyRejected:
        return None
    return Passkey.objects.filter(credential_id=credential_id).values_list("account", flat=True).first()
