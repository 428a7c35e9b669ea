"""The last step of a sign-in: show a second factor, or finish after one was set up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from accounts.challenges import steps
from accounts.challenges.models import Challenge
from accounts.challenges.transactions import keeping_steps
from accounts.errors import InvalidChallenge, InvalidCode
from accounts.factors.errors import MfaNotEnabled, PasskeyRejected
from accounts.factors.state import factors_of
from accounts.guard import events, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mfa import challenges
from accounts.mfa.answering import Factor, check_factor
from accounts.mfa.challenges import CHALLENGE_TOKEN, ENROLLMENT, IS_NEW, MFA
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant, TokenSet
from accounts.tokens.models import AuthenticationMethod
from accounts.verification import sending
from accounts.verification.pending import is_mandatory


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A sign-in that waits for a second factor, and what was granted in its first call."""

    challenge: Challenge
    grant: ClientGrant


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The outcome of a sign-in that waited."""

    account: Account
    tokens: TokenSet
    is_new_account: bool


def mfa_challenge(challenge_token: str, *, caller: Caller) -> Waiting:
    """Find the pending MfaChallenge and count one attempt. Raises InvalidChallenge, RateLimited."""
    return _waiting(challenge_token, MFA, caller)


def enrollment_challenge(challenge_token: str, *, caller: Caller) -> Waiting:
    """Find the pending MfaEnrollmentChallenge and count one attempt. Raises InvalidChallenge, RateLimited."""
    return _waiting(challenge_token, ENROLLMENT, caller)


def answer_mfa_challenge(
    waiting: Waiting, *, factor: Factor, remember_browser: bool = False, caller: Caller
) -> SignedIn:
    """Check the factor, and sign in for the client, scope and transport of the first call.

    `remember_browser`: see `tokens.issue`.

    Raises InvalidChallenge, AccountDisabled, RateLimited, and EmailVerificationRequired with a challenge; InvalidCode
    and PasskeyRejected, after which the challenge can be answered again.
    """
    challenge, grant = waiting.challenge, waiting.grant
    with _answering(waiting, caller) as end_user, keeping_steps():
        account = challenges.locked_account(challenge)
        try:
            method = check_factor(account, factor)
        except (InvalidChallenge, InvalidCode, PasskeyRejected) as error:
            raise error.below("factor") from None
        steps.finish(challenge)
        methods = (*challenges.shown(challenge), method)
        if is_mandatory() and not account.email_verified:
            # It was verified when the sign-in began.
            with limits.attempt(Action.MAIL, account=account.email, caller=end_user, client=grant.client.client_id):
                raise sending.challenge(account, grant=grant, methods=methods)
        return _signed_in(account, waiting, methods, end_user, remember_browser=remember_browser)


def answer_enrollment_challenge(waiting: Waiting, *, caller: Caller) -> SignedIn:
    """Sign in after a factor was set up through this challenge, for the client, scope and transport of the first call.

    A factor that was set up elsewhere proves nothing about who signs in here. Raises MfaNotEnabled, after which the
    challenge can be answered again; InvalidChallenge, AccountDisabled, RateLimited.
    """
    challenge = waiting.challenge
    with _answering(waiting, caller) as end_user, keeping_steps():
        account = challenges.locked_account(challenge)
        # As it was when `attempt` found it, or with more: what is set up is never taken out of it.
        factors = challenges.set_up(challenge)
        if not factors or not factors_of(account).enabled:
            raise MfaNotEnabled
        if not account.email_verified:
            # It was, when the factor was set up (S87).
            raise InvalidChallenge(field=CHALLENGE_TOKEN)
        steps.finish(challenge)
        return _signed_in(account, waiting, (*challenges.shown(challenge), *factors), end_user)


def _waiting(challenge_token: str, kind: str, caller: Caller) -> Waiting:
    with (
        events.failures(EventType.FACTOR_FAILED, subject=lambda: None, caller=caller),
        limits.attempt(Action.FACTOR, caller=caller),
    ):
        challenge = steps.attempt(challenge_token, kind)
        return Waiting(challenge=challenge, grant=steps.grant_of(challenge))


@contextmanager
def _answering(waiting: Waiting, caller: Caller) -> Iterator[Caller]:
    """An attempt that is limited by account, and recorded if it fails; yields the end user.

    The client is not authenticated in this call: its end-user headers are ignored (S64).
    """
    challenge, client = waiting.challenge, waiting.grant.client.client_id
    end_user = waiting.grant.end_user(caller)
    method = next(iter(challenges.shown(challenge)), "")
    with (
        origin.acting(client=client, caller=end_user),
        events.failures(EventType.FACTOR_FAILED, subject=lambda: challenge.account_id, method=method),
    ):
        email = challenges.holders(challenge).values_list("email", flat=True).first()
        if email is None:
            raise InvalidChallenge(field=CHALLENGE_TOKEN)
        with limits.attempt(Action.FACTOR, account=email, caller=end_user, client=client):
            yield end_user


def _signed_in(
    account: Account,
    waiting: Waiting,
    methods: tuple[AuthenticationMethod, ...],
    caller: Caller,
    *,
    remember_browser: bool = False,
) -> SignedIn:
    is_new = bool(waiting.challenge.data[IS_NEW])
    tokens = bearer_tokens.issue(
        account=account,
        grant=waiting.grant,
        caller=caller,
        methods=methods,
        is_new=is_new,
        remember_browser=remember_browser,
    )
    return SignedIn(account=account, tokens=tokens, is_new_account=is_new)
