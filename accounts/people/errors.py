"""Failures about the data and the state of an account."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError


class EmailTaken(AccountsError):
    """An account with this e-mail address exists."""

    code = "EMAIL_TAKEN"
    default_message = _("An account with this e-mail address already exists.")


class UsernameTaken(AccountsError):
    """An account with this username exists."""

    code = "USERNAME_TAKEN"
    default_message = _("An account with this username already exists.")


class AccountDisabled(AccountsError):
    """The account is disabled. Returned only to callers who proved ownership without a password."""

    code = "ACCOUNT_DISABLED"
    default_message = _("This account is disabled.")
