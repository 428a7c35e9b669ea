"""Check one factor of an account, wherever one is asked for."""

from dataclasses import dataclass, field

from accounts.errors import InvalidChallenge, InvalidCode
from accounts.factors import recovery, totp, webauthn
from accounts.factors.errors import PasskeyRejected
from accounts.factors.state import factors_of
from accounts.factors.webauthn import PasskeyPurpose
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.mails import codes, notices
from accounts.mails.templates import Template
from accounts.mfa import resetting
from accounts.people.models import Account
from accounts.tokens.models import AuthenticationMethod


@dataclass(frozen=True)
class TotpCode:
    """A code of the authenticator app."""

    code: str = field(repr=False)


@dataclass(frozen=True)
class RecoveryCode:
    """One of the recovery codes."""

    code: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PasskeyAnswer:
    """What a passkey answered, and what its ceremony was begun for."""

    token: str = field(repr=False)
    response: object = field(repr=False)
    purpose: PasskeyPurpose
    bound_to: str


Factor = TotpCode | RecoveryCode | PasskeyAnswer


def check_factor(account: Account, factor: Factor) -> AuthenticationMethod:
    """Accept one factor of the account, once; returns what it was. The holder is told of a recovery code.

    A pending reset of the factors is withdrawn: the holder has not lost them.

    Call in a transaction that holds the account's lock. Raises InvalidCode; InvalidChallenge and PasskeyRejected for a
    passkey. Their `field` is a path below the one that holds the factor.
    """
    if factors_of(account).reset_is_due:
        raise PasskeyRejected if isinstance(factor, PasskeyAnswer) else InvalidCode
    method = _accepted(account, factor)
    resetting.withdraw(account, cause=resetting.FACTOR_SHOWN)
    return method


def _accepted(account: Account, factor: Factor) -> AuthenticationMethod:
    match factor:
        case TotpCode(code):
            with codes.naming(("totp_code",)):
                totp.check(account, code)
            return AuthenticationMethod.TOTP
        case RecoveryCode(code):
            with codes.naming(("recovery_code",)):
                left = recovery.use(account, code)
            events.record(EventType.RECOVERY_CODE_USED, subject=account.pk, actor=account.pk)
            notices.tell(account, Template.RECOVERY_CODE_USED, left=left)
            return AuthenticationMethod.RECOVERY_CODE
        case PasskeyAnswer():
            try:
                webauthn.verify_assertion(
                    factor.token, factor.response, factor.purpose, account=account, bound_to=factor.bound_to
                )
            except (InvalidChallenge, PasskeyRejected) as error:
                raise error.below("passkey") from None
            return AuthenticationMethod.PASSKEY
