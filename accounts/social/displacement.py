"""Identities that end with whoever had the account, or added them, without being its holder."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from social_django.models import UserSocialAuth

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.people.signals import handing_over, voiding_additions


@receiver(handing_over)
def forget_identities(account: Account, **_signal: Any) -> None:
    """Delete all identities of the account."""
    UserSocialAuth.objects.filter(user=account).delete()


@receiver(voiding_additions)
def forget_added(account: Account, since: datetime, **_signal: Any) -> None:
    """Delete the identities that were linked since."""
    for row in UserSocialAuth.objects.filter(user=account, created__gte=since):
        row.delete()
        events.record(EventType.UNLINKED, subject=account.pk, cause=row.provider)
