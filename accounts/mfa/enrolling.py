"""Who may set up a second factor or a passkey, and what follows from it.

It is the holder of a session who has proved lately who they are (S75, S88), or a sign-in that has to set one up. Both
need a verified address (S87).
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from accounts.challenges import steps
from accounts.challenges.models import Challenge
from accounts.errors import InvalidChallenge
from accounts.factors import recovery
from accounts.factors.forgetting import forget_browsers
from accounts.factors.models import RecoveryCodes
from accounts.factors.state import Factors, factors_of
from accounts.guard import events, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mfa import challenges, resetting
from accounts.mfa.challenges import CHALLENGE_TOKEN, ENROLLMENT
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens.api import Bearer, locked_account
from accounts.tokens.models import AuthenticationMethod
from accounts.tokens.proof import require_recent_proof
from accounts.tokens.sessions import live_session_of
from accounts.verification.errors import EmailVerificationRequired


@dataclass(frozen=True, kw_only=True)
class Enroller:
    """Who sets a factor up: with a session or, in place of it, with a sign-in that waits for one."""

    account: Account
    client_key: int
    client_name: str
    bound_to: str
    """What a ceremony belongs to that is begun here: the key of the session, or the digest of the challenge."""
    by: Bearer | Challenge

    @property
    def challenge(self) -> Challenge | None:
        """The challenge, if it is one."""
        return self.by if isinstance(self.by, Challenge) else None


@dataclass(frozen=True, kw_only=True)
class Locked:
    """The account of an enroller, whose row is locked, and what it had before."""

    account: Account
    before: Factors


@contextmanager
def changing(bearer: Bearer | None, caller: Caller) -> Iterator[Callable[[Account], None]]:
    """Record a refused change of factors or passkeys. It yields a function that names the account once it is known."""
    accounts = [bearer.account] if bearer else []
    client = bearer.client_name if bearer else ""
    with events.failures(
        EventType.FACTOR_CHANGE_FAILED,
        subject=lambda: accounts[-1].pk if accounts else None,
        client=client,
        caller=caller,
    ):
        yield accounts.append


def by_session(bearer: Bearer) -> Enroller:
    """The holder of this session. Raises ReauthenticationRequired, EmailVerificationRequired; InvalidToken."""
    require_recent_proof(bearer)
    if not bearer.account.email_verified:
        raise EmailVerificationRequired
    return Enroller(
        account=bearer.account,
        client_key=bearer.client_id,
        client_name=bearer.client_name,
        bound_to=str(live_session_of(bearer).pk),
        by=bearer,
    )


def enroller(bearer: Bearer | None, challenge_token: str, caller: Caller) -> Enroller:
    """The holder of the session; without one, of the MfaEnrollmentChallenge, whose tries are limited by address.

    Raises what `by_session` and `by_challenge` raise; RateLimited for a challenge.
    """
    if bearer:
        return by_session(bearer)
    with limits.attempt(Action.FACTOR, caller=caller):
        return by_challenge(challenge_token)


def by_challenge(token: str) -> Enroller:
    """The holder of this MfaEnrollmentChallenge, of which one attempt counts. Raises InvalidChallenge."""
    return _waiting(steps.attempt(token, ENROLLMENT))


def bound_to(digest: str) -> Enroller:
    """The holder of the MfaEnrollmentChallenge with this digest. Raises InvalidChallenge."""
    return _waiting(steps.attempt_of(digest, ENROLLMENT))


def locked(enroller: Enroller) -> Locked:
    """Lock the account until the transaction ends.

    A challenge sets up nothing more once the account has a factor from elsewhere: who has stolen a password must not
    add theirs beside it. Raises InvalidChallenge; InvalidToken if the session has ended meanwhile.
    """
    by = enroller.by
    account = _of_challenge(by) if isinstance(by, Challenge) else locked_account(by)
    before = factors_of(account)
    if before.reset_is_due:
        resetting.carry_out(account, keep=None if isinstance(by, Challenge) else uuid.UUID(enroller.bound_to))
        before = factors_of(account)
    is_foreign = isinstance(by, Challenge) and before.enabled and not challenges.set_up(by)
    if is_foreign or not account.email_verified:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return Locked(account=account, before=before)


def was_set_up(enroller: Enroller, locked: Locked, factor: AuthenticationMethod) -> list[str]:
    """Do what follows from a new factor, in the transaction that stored it; returns recovery codes with the first one.

    The challenge notes it, and remembered browsers are asked again. With the first one, the addresses are strange again
    from which the account signed in before.
    """
    account = locked.account
    if enroller.challenge:
        challenges.note(enroller.challenge, factor)
    forget_browsers(accounts=[account.pk])
    if locked.before.enabled or not factors_of(account).enabled:
        return []
    # A password was enough to make them known. Where this one is shown is known again, once the attempt has succeeded.
    transaction.on_commit(partial(limits.forget, [account.email]))
    return made_codes(account)


def was_removed(account: Account) -> None:
    """Do what follows from the end of a factor, in the transaction that holds the account's lock.

    Remembered browsers are asked again. Recovery codes go with the last factor. Nobody finishes a sign-in any more with
    a factor that they have set up and that is gone.
    """
    forget_browsers(accounts=[account.pk])
    Challenge.objects.filter(account=account, kind=ENROLLMENT).delete()
    if not factors_of(account).enabled:
        RecoveryCodes.objects.filter(account=account).delete()


def made_codes(account: Account) -> list[str]:
    """Make recovery codes for the account, whose row is locked, and record that."""
    events.record(EventType.RECOVERY_CODES_MADE, subject=account.pk, actor=account.pk)
    return recovery.make(account)


def _waiting(challenge: Challenge) -> Enroller:
    account = challenges.holders(challenge).first()
    if account is None:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return Enroller(
        account=account,
        client_key=challenge.client.pk,
        client_name=challenge.client.client_id,
        bound_to=challenge.digest,
        by=challenge,
    )


def _of_challenge(challenge: Challenge) -> Account:
    try:
        account = challenges.locked_account(challenge)
    except AccountDisabled:
        raise InvalidChallenge(field=CHALLENGE_TOKEN) from None
    # As it is by now: another call may have set a factor up through it, or finished it.
    found = Challenge.objects.select_for_update().filter(pk=challenge.pk).first()
    if found is None:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    challenge.data = found.data
    return account
