"""Failures of registrations and of the confirmation of addresses."""

from django.utils.translation import gettext_lazy as _

from accounts.challenges.errors import ChallengeRequired
from accounts.errors import AccountsError


class EmailVerificationRequired(ChallengeRequired):
    """The address must be confirmed before signing in: see EmailVerificationChallenge."""

    code = "EMAIL_VERIFICATION_REQUIRED"
    counts = True  # a registration that waits has cost as much as any other, and proves nothing about its address
    default_message = _("Confirm your e-mail address first: we have sent you a mail.")


class RegistrationClosed(AccountsError):
    """New accounts cannot be created on this service."""

    code = "REGISTRATION_CLOSED"
    default_message = _("Signing up is closed.")
