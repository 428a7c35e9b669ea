"""Failures about second factors and passkeys."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError, InvalidCode

WRONG_CODE = _("This code is not correct, or it was used before.")


class MfaNotEnabled(AccountsError):
    """No second factor is set up."""

    code = "MFA_NOT_ENABLED"
    default_message = _("No second factor is set up.")


class AlreadyEnabled(AccountsError):
    """It is already switched on."""

    code = "ALREADY_ENABLED"
    default_message = _("This is already switched on.")


class PasskeyRejected(AccountsError):
    """The passkey is unknown here, or its answer is not valid."""

    code = "PASSKEY_REJECTED"
    default_message = _("This passkey did not work here.")

    def __init__(
        self, *, cause: str = "", message: str | Promise | None = None, field: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(message, field=field, hint=f"passkey: {cause}" if cause else "")
        self.cause = f"{self.code}: {cause}" if cause else self.code


def wrong_code(*, field: tuple[str, ...] | None = None) -> InvalidCode:
    """The failure of a code of an app, or of a recovery code: nobody has clicked a link here."""
    return InvalidCode(WRONG_CODE, field=field)
