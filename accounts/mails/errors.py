"""Failures of mailed codes and links."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError


class ExpiredCode(AccountsError):
    """The code or link is too old or already used, or the code was tried too often: request a new one."""

    code = "EXPIRED_CODE"
    default_message = _("This code or link has expired or was already used. Request a new one.")
