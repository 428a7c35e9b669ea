"""Registers the system checks of all rooms."""

from accounts.factors import checks as factors
from accounts.guard import checks as guard
from accounts.mails import checks as mails
from accounts.mfa import checks as mfa
from accounts.passwords import checks as passwords
from accounts.shared import checks as shared
from accounts.social import checks as social
from accounts.tokens import checks as tokens

__all__ = ["factors", "guard", "mails", "mfa", "passwords", "shared", "social", "tokens"]
