"""A new password makes the addresses strange from which somebody signed in before."""

import uuid
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.guard import limits
from accounts.people.models import Account
from accounts.people.signals import sessions_ending


@receiver(sessions_ending)
def forget_addresses_of_old_passwords(accounts: list[uuid.UUID], **_signal: Any) -> None:
    """Whoever knew the old password is a stranger once there is a new one, wherever they signed in from (S53).

    Other ends of sessions change nothing: who holds a stolen session must not make its holder a stranger at home.
    """
    before = list(Account.objects.filter(pk__in=accounts).values_list("pk", "email", "password"))
    transaction.on_commit(partial(_forget_addresses, before))


def _forget_addresses(before: list[tuple[uuid.UUID, str, str]]) -> None:
    rows = Account.objects.filter(pk__in=[pk for pk, _, _ in before]).values_list("pk", "email", "password")
    now = {pk: (email, password) for pk, email, password in rows}
    changed: set[str] = set()
    for pk, email, password in before:
        # One that is gone has no password.
        email_now, password_now = now.get(pk, (email, ""))
        if password_now != password:
            # Both: a change of the address may have been undone, and the thief of the password signed in before it.
            changed |= {email, email_now}
    if changed:
        limits.forget(changed)
