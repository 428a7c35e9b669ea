"""Registers the models of all rooms. Other code imports them from their rooms."""

from accounts.challenges.models import Challenge
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared.models import SpentCredential
from accounts.tokens.models import Client, Session

__all__ = ["Account", "Challenge", "Client", "SecurityEvent", "Session", "SpentCredential"]
