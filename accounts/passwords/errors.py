"""Failures about passwords."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError


class InvalidCredentials(AccountsError):
    """E-mail address, password or account state is wrong. The response does not say which."""

    code = "INVALID_CREDENTIALS"
    default_message = _("The e-mail address or the password is not correct.")


class PasswordTooShort(AccountsError):
    """The password is shorter than the configured minimum, 15 characters by default."""

    code = "PASSWORD_TOO_SHORT"
    default_message = _("This password is too short.")


class PasswordTooLong(AccountsError):
    """The password is longer than the configured maximum, 1,024 bytes of UTF-8 by default."""

    code = "PASSWORD_TOO_LONG"
    default_message = _("This password is too long.")


class PasswordTooCommon(AccountsError):
    """The password is a common or leaked one, or easy to guess."""

    code = "PASSWORD_TOO_COMMON"
    default_message = _("This password is too common.")


class PasswordTooSimilar(AccountsError):
    """The password is too similar to the name, the username or the e-mail address."""

    code = "PASSWORD_TOO_SIMILAR"
    default_message = _("This password is too similar to your name or e-mail address.")


class PasswordTooWeak(AccountsError):
    """The password is too easy to guess, by estimate: see `passwordPolicy.minStrength`."""

    code = "PASSWORD_TOO_WEAK"
    default_message = _("This password is too easy to guess.")
