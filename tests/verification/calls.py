"""The mutations of this room, as tests send them."""

import dataclasses
from typing import Any

from accounts.conf import EmailVerification, Latchkey, rate_limits
from tests.api import AUTH_PAYLOAD, PASSWORD

CHALLENGE = """
  challenge {
    __typename token expiresIn
    ... on EmailVerificationChallenge { email }
    ... on ProfileChallenge { missing }
  }
"""
REGISTER = f"mutation ($input: RegisterInput!) {{ register(input: $input) {{ {AUTH_PAYLOAD} {CHALLENGE} }} }}"
CONVERT = (
    "mutation ($input: ConvertSocialTokenInput!)"
    f" {{ convertSocialToken(input: $input) {{ {AUTH_PAYLOAD} {CHALLENGE} }} }}"
)
ANSWER_PROFILE = (
    "mutation ($input: AnswerProfileChallengeInput!)"
    f" {{ answerProfileChallenge(input: $input) {{ {AUTH_PAYLOAD} {CHALLENGE} }} }}"
)
ANSWER = (
    "mutation ($input: AnswerEmailVerificationChallengeInput!)"
    f" {{ answerEmailVerificationChallenge(input: $input) {{ {AUTH_PAYLOAD} }} }}"
)
VERIFY = (
    "mutation ($input: VerifyEmailInput!)"
    " { verifyEmail(input: $input) { account { id emailVerified } errors { code field message } } }"
)
RESEND = (
    "mutation ($input: ResendVerificationInput!)"
    " { resendVerification(input: $input) { errors { code field message } } }"
)
ADDRESS = "ada@example.com"
ADA = {"email": ADDRESS, "username": "ada", "firstName": "Augusta", "password": PASSWORD}
NEW = "a passphrase of the holder"


def with_settings(settings: Any, **changes: Any) -> None:
    """Change settings of Latchkey for a test."""
    own: Latchkey = settings.LATCHKEY
    settings.LATCHKEY = dataclasses.replace(own, **changes)


def require_confirmation(settings: Any) -> None:
    """Make it mandatory."""
    with_settings(settings, email_verification=EmailVerification.MANDATORY)


def limit(settings: Any, text: str) -> None:
    """Change the limits of a test: `limit(settings, "mail.account=2/1h")`."""
    with_settings(settings, rate_limits=rate_limits(text))
