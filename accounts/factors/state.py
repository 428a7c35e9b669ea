"""Which second factors an account has, and whether signing in asks for one."""

from dataclasses import dataclass
from enum import Enum

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts.conf import MfaRequired, latchkey
from accounts.factors.models import FactorReset, Passkey, RecoveryCodes, Totp
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.statements import Select, parameter


class MfaMethod(Enum):
    """A second factor."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What is set up of an account's second factors."""

    totp: bool = False
    passkeys: int = 0
    recovery_codes: int = 0
    """How many are left."""
    is_required: bool = False
    """Whether the service requires a second factor of this account."""
    reset_is_due: bool = False
    """Whether a reset by staff has taken effect: then nothing is set up, whatever the tables still hold."""

    @property
    def enabled(self) -> bool:
        """Whether signing in asks for a second factor.

        A passkey counts only beside an authenticator app, or where a factor is required: who adds one to sign in with
        does not ask for a second step.
        """
        return self.totp or (self.is_required and self.passkeys > 0)

    @property
    def set_up(self) -> tuple[MfaMethod, ...]:
        """What there is, whether signing in asks for it or not."""
        has = {
            MfaMethod.TOTP: self.totp,
            MfaMethod.PASSKEY: self.passkeys > 0,
            MfaMethod.RECOVERY_CODE: self.recovery_codes > 0,
        }
        return tuple(method for method, is_there in has.items() if is_there)

    @property
    def methods(self) -> tuple[MfaMethod, ...]:
        """What a sign-in can be answered with; none if it is not asked."""
        return self.set_up if self.enabled else ()


def factors_of(account: Account) -> Factors:
    """What the account has now; one statement."""
    row = _factors.first(id=account.pk)
    if row is None:
        return Factors(is_required=is_required(account))
    totp, passkeys, digests, effective_at = row
    if effective_at is not None and effective_at <= clock.now():
        return Factors(is_required=is_required(account), reset_is_due=True)
    return Factors(
        totp=totp is not None,
        passkeys=passkeys,
        recovery_codes=len(digests or ()),
        is_required=is_required(account),
    )


def is_required(account: Account) -> bool:
    """Whether MFA_REQUIRED_FOR names this account."""
    match latchkey().mfa_required_for:
        case MfaRequired.NONE:
            return False
        case MfaRequired.STAFF:
            return account.is_staff or account.is_superuser
        case MfaRequired.ALL:
            return True


def _of(model: type, column: str) -> Subquery:
    return Subquery(model._base_manager.filter(account=OuterRef("pk")).values(column)[:1])  # type: ignore[attr-defined] # noqa: SLF001


_factors = Select(
    Account,
    lambda: (
        Account.objects.filter(pk=parameter(Account, "id"))
        .annotate(
            totp_at=_of(Totp, "created_at"),
            passkey_count=Coalesce(
                Subquery(
                    Passkey._base_manager.filter(account=OuterRef("pk"))  # noqa: SLF001 - public in practice
                    .order_by()
                    .values("account")
                    .annotate(number=Count("pk"))
                    .values("number")
                ),
                0,
            ),
            code_digests=_of(RecoveryCodes, "digests"),
            reset_effective_at=_of(FactorReset, "effective_at"),
        )
        .values_list("totp_at", "passkey_count", "code_digests", "reset_effective_at")
    ),
)
