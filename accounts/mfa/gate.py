"""Where every sign-in passes before its session begins: whether it has to show a second factor, or to set one up (S77).

It hangs on `tokens.issue`, so that no journey can go around it, not even one that is written later.
"""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.challenges.errors import ChallengeRequired
from accounts.factors import remembering
from accounts.factors.errors import PasskeyRejected
from accounts.factors.state import Factors, MfaMethod, factors_of
from accounts.guard import limits
from accounts.guard.limits import Action
from accounts.mfa import challenges, resetting
from accounts.mfa.challenges import MfaChallenge, MfaEnrollmentChallenge
from accounts.mfa.errors import MfaEnrollmentRequired, MfaRequired
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens.api import ClientGrant
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import SECOND_FACTORS, AuthenticationMethod, RefreshTokenTransport
from accounts.tokens.signals import signing_in
from accounts.verification import sending

ENROLLABLE = (MfaMethod.TOTP, MfaMethod.PASSKEY)


@receiver(signing_in)
def admit(
    account: Account,
    grant: ClientGrant,
    caller: Caller,
    methods: tuple[AuthenticationMethod, ...],
    is_new: bool,  # noqa: FBT001 - a signal
    **_signal: Any,
) -> bool:
    """Let the sign-in pass, or make it wait; says whether it passes only because the browser is remembered.

    Raises MfaRequired, MfaEnrollmentRequired, EmailVerificationRequired; AccountDisabled; InvalidGrant if the account's
    sessions ended since it was read; RateLimited; PasskeyRejected if the factor that was shown has been reset.
    """
    if SECOND_FACTORS & set(methods):
        _withdraw_reset(account)
        return False
    factors = factors_of(account)
    if factors.reset_is_due:
        resetting.carry_out(account)
    if not (factors.enabled or factors.is_required):
        return False
    if (
        factors.enabled
        and grant.transport == RefreshTokenTransport.COOKIE
        and remembering.is_remembered(caller.browser_token, account)
    ):
        # It stands for the factor. It never stands for setting one up.
        return True
    if not factors.enabled and not account.email_verified:
        # A factor needs a verified address (S87).
        with limits.attempt(Action.MAIL, account=account.email, caller=caller, client=grant.client.client_id):
            raise sending.challenge(account, grant=grant, methods=methods)
    raise _waiting(account, factors, grant, methods, is_new=is_new)


def _withdraw_reset(account: Account) -> None:
    """Withdraw a pending reset of the factors, since one was shown. Raises PasskeyRejected if it has taken effect."""
    if not resetting.withdraw(account, cause=resetting.FACTOR_SHOWN) and resetting.pending(account) is not None:
        raise PasskeyRejected


@transaction.atomic
def _waiting(
    account: Account,
    factors: Factors,
    grant: ClientGrant,
    methods: tuple[AuthenticationMethod, ...],
    *,
    is_new: bool,
) -> ChallengeRequired:
    # Locked, so that the account is not deleted before its challenge is stored.
    locked = Account.objects.select_for_update(no_key=True).filter(pk=account.pk).first()
    if locked is None or locked.session_epoch != account.session_epoch:
        raise InvalidGrant
    if not locked.is_active:
        raise AccountDisabled
    kind = challenges.MFA if factors.enabled else challenges.ENROLLMENT
    token, lifetime = challenges.begin(kind, locked, grant=grant, methods=methods, is_new=is_new)
    if factors.enabled:
        return MfaRequired(MfaChallenge(token=token, expires_in=lifetime, methods=factors.methods))
    return MfaEnrollmentRequired(MfaEnrollmentChallenge(token=token, expires_in=lifetime, methods=ENROLLABLE))
