"""Prove again who one is, in a session that goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.challenges import mailed
from accounts.challenges.mailed import Requested
from accounts.conf import latchkey
from accounts.errors import AccountsError, InvalidChallenge, InvalidCode
from accounts.factors.errors import MfaNotEnabled, PasskeyRejected
from accounts.factors.state import factors_of
from accounts.factors.webauthn import PasskeyPurpose
from accounts.guard import events, hashing, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes, queue
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.mfa.answering import Factor, PasskeyAnswer, RecoveryCode, TotpCode, check_factor
from accounts.mfa.errors import MfaRequired
from accounts.passwords.errors import InvalidCredentials
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.caller import Caller
from accounts.shared.texts import is_overlong
from accounts.social.confirmation import can_confirm, is_linked, verified_identity
from accounts.social.verification import Presented
from accounts.tokens.api import Bearer, locked_account
from accounts.tokens.errors import ReauthenticationRequired
from accounts.tokens.models import AuthenticationMethod
from accounts.tokens.proof import is_recent, prove, proved_until
from accounts.tokens.sessions import live_session_of

CREDENTIAL = ("credential",)
PASSWORD = ("credential", "password")
SOCIAL = ("credential", "social")
EMAIL_CODE = ("credential", "email_code")
Outcome = int | MfaRequired | ReauthenticationRequired
"""The seconds for which the proofs count, or which one is missing."""
WRONG = _("This is not your password.")
NOT_LINKED = _("This sign-in is not linked to your account.")


def methods_of(account: Account) -> list[AuthenticationMethod]:
    """What this account can prove itself with now. Every account has an address.

    With a second factor on, it takes one of the first three, and a code of the app; or a passkey.
    """
    factors = factors_of(account)
    password = [AuthenticationMethod.PASSWORD] if account.has_usable_password() else []
    social = [AuthenticationMethod.SOCIAL] if can_confirm(account) else []
    totp = [AuthenticationMethod.TOTP] if factors.totp else []
    passkey = [AuthenticationMethod.PASSKEY] if factors.passkeys else []
    return [*password, AuthenticationMethod.EMAIL_CODE, *social, *totp, *passkey]


def request_code(*, bearer: Bearer, caller: Caller) -> Requested:
    """Mail a code to the account's address, for this account and client only.

    Raises RateLimited; InvalidToken if the session has ended meanwhile.
    """
    key, client = bearer.account.pk, bearer.client_name
    with (
        # With the mails that strangers ask for: it is one mailbox.
        attempt(Action.MAIL, EventType.MAIL_REFUSED, address=bearer.account.email, caller=caller, client=client),
        transaction.atomic(),
    ):
        account = locked_account(bearer)
        code, requested = mailed.create(
            Purpose.REAUTHENTICATE,
            email=account.email,
            account=account,
            client_key=bearer.client_id,
            lifetime=latchkey().mailed_code_lifetime,
        )
        queue.put(
            Template.REAUTHENTICATE,
            email=account.email,
            locale=account.locale,
            account=account,
            client_key=bearer.client_id,
            code=code,
        )
        events.record(EventType.REAUTHENTICATION_CODE_SENT, subject=key, actor=key, client=client, caller=caller)
    return requested


def by_password(*, bearer: Bearer, password: str, caller: Caller) -> int:
    """Prove it by the account's password; returns the seconds for which the proof counts.

    The Bearer token proves nothing here (S24). Raises InvalidCredentials, RateLimited; InvalidToken if the session has
    ended meanwhile.
    """
    account = bearer.account
    with _attempt(bearer, caller):
        if is_overlong(password):
            raise InvalidCredentials(WRONG, field=PASSWORD)
        with hashing.slot():
            right = account.check_password(password)
        if not right:
            raise InvalidCredentials(WRONG, field=PASSWORD)
        with transaction.atomic():
            # Each change of a password begins another epoch: then this one is no longer the account's.
            if locked_account(bearer).session_epoch != account.session_epoch:
                raise InvalidCredentials(WRONG, field=PASSWORD)
            outcome = _proved(bearer, AuthenticationMethod.PASSWORD, caller)
        return _complete(outcome)


def by_social_account(*, bearer: Bearer, provider: str, credential: Presented, caller: Caller) -> int:
    """Prove it by a provider's ID token or code for an identity that is linked to the account.

    Raises what `verified_identity` raises, InvalidCredentials, RateLimited; InvalidToken if the session has ended
    meanwhile.
    """
    with _attempt(bearer, caller):
        try:
            identity = verified_identity(bearer=bearer, provider=provider, credential=credential)
        except AccountsError as error:
            raise error.below(*SOCIAL) from None
        with transaction.atomic():
            if not is_linked(identity, account=locked_account(bearer)):
                raise InvalidCredentials(NOT_LINKED, field=SOCIAL)
            # Whatever the provider says that it has asked for: its answer may be of this morning.
            outcome = _proved(bearer, AuthenticationMethod.SOCIAL, caller)
        return _complete(outcome)


def by_mailed_code(*, bearer: Bearer, challenge_token: str, typed: str, caller: Caller) -> int:
    """Prove it by a code of `request_code`, which was mailed to the address that the account has now.

    Whoever has the session and the mailbox also verifies the address. Raises InvalidChallenge, InvalidCode,
    ExpiredCode, RateLimited; InvalidToken if the session has ended meanwhile.
    """
    with _attempt(bearer, caller):
        try:
            with codes.naming(("code",)):
                code = mailed.attempt(
                    challenge_token,
                    typed,
                    Purpose.REAUTHENTICATE,
                    client_key=bearer.client_id,
                    account=bearer.account.pk,
                )
                return _complete(_proved_by(code, bearer, caller))
        except (InvalidChallenge, InvalidCode, ExpiredCode) as error:
            raise error.below(*EMAIL_CODE) from None


def by_factor(*, bearer: Bearer, factor: TotpCode | RecoveryCode, caller: Caller) -> int:
    """Prove it by a code of the authenticator app or a recovery code: half of a proof (S88).

    Raises InvalidCode, MfaNotEnabled, ReauthenticationRequired, RateLimited; InvalidToken if the session has ended
    meanwhile.
    """
    return _by_factor(bearer, factor, caller)


def by_passkey(*, bearer: Bearer, challenge_token: str, response: object, caller: Caller) -> int:
    """Prove it by a passkey that verifies its user, which is both factors. Its ceremony was begun in this session.

    Raises InvalidChallenge, PasskeyRejected, RateLimited; InvalidToken if the session has ended meanwhile.
    """
    session = live_session_of(bearer)
    answer = PasskeyAnswer(
        token=challenge_token,
        response=response,
        purpose=PasskeyPurpose.REAUTHENTICATION,
        bound_to=str(session.pk),
    )
    return _by_factor(bearer, answer, caller)


def _by_factor(bearer: Bearer, factor: Factor, caller: Caller) -> int:
    with _attempt(bearer, caller, action=Action.FACTOR):
        try:
            with transaction.atomic():
                account = locked_account(bearer)
                method = _checked(account, factor)
                outcome = _proved(bearer, method, caller)
        except (InvalidCode, InvalidChallenge, PasskeyRejected, MfaNotEnabled) as error:
            raise error.below(*CREDENTIAL) from None
        return _complete(outcome)


def _checked(account: Account, factor: Factor) -> AuthenticationMethod:
    # A passkey proves it without a second factor on, too.
    if not isinstance(factor, PasskeyAnswer) and not factors_of(account).enabled:
        raise MfaNotEnabled
    return check_factor(account, factor)


@transaction.atomic
def _proved_by(code: MailedCode, bearer: Bearer, caller: Caller) -> Outcome:
    account = locked_account(bearer)
    codes.spend(code)
    if account.email != code.email:
        raise ExpiredCode
    if not account.email_verified:
        account.email_verified = True
        account.save(update_fields={"email_verified"})
        events.record(EventType.EMAIL_VERIFIED, subject=account.pk)
    return _proved(bearer, AuthenticationMethod.EMAIL_CODE, caller)


@contextmanager
def _attempt(bearer: Bearer, caller: Caller, *, action: Action = Action.REAUTHENTICATE) -> Iterator[None]:
    """An attempt that is limited by account and address, and recorded if it fails."""
    key, client = bearer.account.pk, bearer.client_name
    with (
        events.failures(EventType.REAUTHENTICATION_FAILED, subject=lambda: key, client=client, caller=caller),
        limits.attempt(action, account=bearer.account.email, caller=caller, client=client),
    ):
        yield


def _proved(bearer: Bearer, method: AuthenticationMethod, caller: Caller) -> Outcome:
    """Record the proof, in a transaction; with a second factor on, one proof may not be enough (S88)."""
    session = prove(bearer, method)
    needs_factor = factors_of(bearer.account).enabled
    until = proved_until(session, with_factor=needs_factor)
    if until is None or until <= clock.now():
        return MfaRequired() if is_recent(session, with_factor=False) else ReauthenticationRequired()
    key = bearer.account.pk
    events.record(EventType.REAUTHENTICATED, subject=key, actor=key, client=bearer.client_name, caller=caller)
    return round((until - clock.now()).total_seconds())


def _complete(outcome: Outcome) -> int:
    """The seconds for which the proofs count. Call after the transaction: half a proof is kept.

    Raises MfaRequired, ReauthenticationRequired.
    """
    if isinstance(outcome, AccountsError):
        raise outcome
    return outcome
