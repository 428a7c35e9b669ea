"""Registers the models of all rooms. Other code imports them from their rooms."""

from accounts.challenges.models import Challenge
from accounts.factors.models import FactorReset, Passkey, RecoveryCodes, RememberedBrowser, Totp
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode
from accounts.people.models import Account
from accounts.shared.models import SpentCredential
from accounts.tokens.models import Client, Session
from accounts.verification.models import PendingRegistration

__all__ = [
    "Account",
    "Challenge",
    "Client",
    "FactorReset",
    "Mail",
    "MailedCode",
    "Passkey",
    "PendingRegistration",
    "RecoveryCodes",
    "RememberedBrowser",
    "SecurityEvent",
    "Session",
    "SpentCredential",
    "Totp",
]
