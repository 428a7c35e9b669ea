"""Deletes factors and remembered browsers when an account changes hands or is secured, or its sessions end."""

import uuid
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.factors.models import FactorReset, Passkey, RecoveryCodes, RememberedBrowser, Totp
from accounts.people.models import Account
from accounts.people.signals import handing_over, sessions_ending, voiding_additions

ALL = (Totp, RecoveryCodes, Passkey, RememberedBrowser, FactorReset)


@receiver(handing_over)
def forget_all(account: Account, **_signal: Any) -> None:
    """Delete all factors of an account: it goes to the holder of its address (S85, S87), or its factors are reset."""
    for model in ALL:
        model._base_manager.filter(account=account).delete()  # noqa: SLF001 - public in practice


@receiver(voiding_additions)
def forget_additions(account: Account, since: datetime, **_signal: Any) -> None:
    """Delete what was set up since then, and a reset that is pending: none of it was the holder's."""
    for model in (Totp, RecoveryCodes, Passkey, RememberedBrowser):
        model._base_manager.filter(account=account, created_at__gte=since).delete()  # noqa: SLF001
    FactorReset.objects.filter(account=account).delete()


@receiver(sessions_ending)
def forget_browsers(accounts: list[uuid.UUID], **_signal: Any) -> None:
    """Ask in all browsers again, also in that of the session that goes on: the password may have changed."""
    RememberedBrowser.objects.filter(account__in=accounts).delete()
