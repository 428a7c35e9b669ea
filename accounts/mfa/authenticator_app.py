"""Set an authenticator app up, and switch it off."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts.conf import latchkey
from accounts.errors import InvalidChallenge
from accounts.factors import sealing, totp
from accounts.factors.errors import AlreadyEnabled, wrong_code
from accounts.factors.models import Totp
from accounts.factors.sealing import CannotOpen
from accounts.guard import events, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.mfa import enrolling
from accounts.mfa.challenges import CHALLENGE_TOKEN
from accounts.mfa.enrolling import Enroller
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.caller import Caller
from accounts.shared.single_use import spend
from accounts.tokens.api import Bearer, locked_account
from accounts.tokens.errors import InvalidToken
from accounts.tokens.models import AuthenticationMethod
from accounts.tokens.proof import prove, require_recent_proof

TOTP_ENROLLMENT = "totp_enrollment"
"""The purpose of the tokens of an enrolment."""
ACCOUNT, SECRET, BOUND_TO, BY_CHALLENGE = "account", "secret", "bound_to", "by_challenge"
"""The keys of the state in such a token."""


@dataclass(frozen=True, kw_only=True)
class Enrollment:
    """An app that is being set up; the duration is in seconds."""

    token: str = field(repr=False)
    expires_in: int
    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """The outcome of setting an app up."""

    account: Account
    recovery_codes: list[str] = field(repr=False)
    """Of the first factor; empty otherwise."""


def begin_enrollment(*, bearer: Bearer | None, challenge_token: str, caller: Caller) -> Enrollment:
    """Make the secret of a new app, for the holder of the session or of the MfaEnrollmentChallenge.

    Nothing is stored: the secret waits in the enrolment's token. Raises AlreadyEnabled; InvalidChallenge, RateLimited
    for a challenge; for a session ReauthenticationRequired, EmailVerificationRequired, InvalidToken.
    """
    with enrolling.changing(bearer, caller) as subject:
        enroller = enrolling.enroller(bearer, challenge_token, caller)
        subject(enroller.account)
        with transaction.atomic():
            locked = enrolling.locked(enroller)
            if locked.before.totp:
                raise AlreadyEnabled
        secret, lifetime = totp.new_secret(), latchkey().challenge_lifetime
        state = {
            ACCOUNT: str(locked.account.pk),
            SECRET: secret,
            BOUND_TO: enroller.bound_to,
            BY_CHALLENGE: enroller.challenge is not None,
        }
        token = sealing.token(TOTP_ENROLLMENT, lifetime=lifetime, **state)
        uri = totp.uri(locked.account, secret)
        return Enrollment(token=token, expires_in=lifetime, secret=secret, uri=uri)


def confirm_enrollment(*, bearer: Bearer | None, token: str, code: str, caller: Caller) -> SetUp:
    """Store the app, whose first code was right (S75). Its holder is told, and gets recovery codes with a first factor.

    Raises InvalidChallenge, InvalidCode, RateLimited; for a session ReauthenticationRequired,
    EmailVerificationRequired; InvalidToken, also if the enrolment was begun in a session and none is shown.
    """
    with enrolling.changing(bearer, caller) as subject:
        with limits.attempt(Action.FACTOR, caller=caller):
            state = _opened(token)
            enroller = _enroller(state, bearer)
        subject(enroller.account)
        with (
            origin.acting(client=enroller.client_name, caller=caller),
            limits.attempt(Action.FACTOR, account=enroller.account.email, caller=caller, client=enroller.client_name),
            transaction.atomic(),
        ):
            return _confirmed(enroller, token, state, code)


def disable(*, bearer: Bearer, caller: Caller) -> Account:
    """Switch the app off, if there is one, and tell the holder.

    Raises ReauthenticationRequired; InvalidToken if the session has ended meanwhile.
    """
    with enrolling.changing(bearer, caller):
        require_recent_proof(bearer)
        with transaction.atomic():
            account = locked_account(bearer)
            deleted, _per_model = Totp.objects.filter(account=account).delete()
            if deleted:
                enrolling.was_removed(account)
                events.record(EventType.TOTP_DISABLED, subject=account.pk, actor=account.pk)
                notices.tell(account, Template.TOTP_DISABLED, client_key=bearer.client_id)
            return account


def _confirmed(enroller: Enroller, token: str, state: dict[str, Any], code: str) -> SetUp:
    locked = enrolling.locked(enroller)
    account = locked.account
    if locked.before.totp:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    step = totp.matching_step(state[SECRET], code)
    if step is None:
        raise wrong_code(field=("code",))
    if not spend({token: datetime.fromtimestamp(state["expires_at"], UTC)}):
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    Totp.objects.create(account=account, secret=sealing.seal(state[SECRET]), last_step=step, last_used_at=clock.now())
    if isinstance(enroller.by, Bearer):
        # Its code was shown in this session: sensitive changes need no other one at once (S88).
        prove(enroller.by, AuthenticationMethod.TOTP)
    # Afterwards: sessions are locked before browsers.
    codes = enrolling.was_set_up(enroller, locked, AuthenticationMethod.TOTP)
    events.record(EventType.TOTP_ENABLED, subject=account.pk, actor=account.pk)
    notices.tell(account, Template.TOTP_ENABLED, client_key=enroller.client_key)
    return SetUp(account=account, recovery_codes=codes)


def _opened(token: str) -> dict[str, Any]:
    try:
        return sealing.open_token(token, TOTP_ENROLLMENT)
    except CannotOpen:
        raise InvalidChallenge(field=CHALLENGE_TOKEN) from None


def _enroller(state: dict[str, Any], bearer: Bearer | None) -> Enroller:
    """Who began the enrolment, if they are who shows it now."""
    if state[BY_CHALLENGE]:
        return enrolling.bound_to(state[BOUND_TO])
    if bearer is None:
        raise InvalidToken("The enrollment was begun in a session.")
    enroller = enrolling.by_session(bearer)
    if (str(bearer.account.pk), enroller.bound_to) != (state[ACCOUNT], state[BOUND_TO]):
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return enroller
