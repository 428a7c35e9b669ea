"""System checks of the policy that requires second factors."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import EmailVerification, MfaRequired, latchkey


@register(Tags.security)
def all_addresses_are_verified(**_kwargs: Any) -> list[CheckMessage]:
    """A factor needs a verified address (S87): without one, nobody could sign in any more."""
    own = latchkey()
    if own.mfa_required_for is not MfaRequired.ALL or own.email_verification is EmailVerification.MANDATORY:
        return []
    return [
        Error(
            "MFA_REQUIRED_FOR=all asks for second factors, which only accounts with a verified address can set up.",
            hint="Set EMAIL_VERIFICATION=mandatory.",
            id="accounts.E008",
        )
    ]


@register(Tags.security, deploy=True)
def unverified_accounts_get_a_mail(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if accounts that must set up a factor would wait for a mail that nobody sends."""
    if latchkey().mfa_required_for is MfaRequired.NONE or settings.MAIL_IS_CONFIGURED:
        return []
    return [
        checks.Warning(
            "MFA_REQUIRED_FOR lets unverified accounts in only after they have confirmed a mail, and no mail server is"
            " set.",
            hint="Set EMAIL_URL or EMAIL_BACKEND.",
            id="accounts.W010",
        )
    ]
