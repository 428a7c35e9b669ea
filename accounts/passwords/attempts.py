"""Attempts to sign in or to register: limited before they cost anything, and recorded if they fail."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.guard import events, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.people.models import Account
from accounts.people.signals import sessions_ending
from accounts.shared.caller import Caller


@contextmanager
def attempt(action: Action, failure: EventType, *, address: str, caller: Caller, client: str = "") -> Iterator[None]:
    """Reserve an attempt that names this canonical address, and record its failure. Raises RateLimited.

    Whether the address is known makes no difference to the limits, the statements or the response (S1, S2).
    """
    with (
        events.failures(failure, subject=lambda: _holder_of(address), named=address, client=client, caller=caller),
        limits.attempt(action, account=address, caller=caller, client=client),
    ):
        yield


def _holder_of(address: str) -> uuid.UUID | None:
    """The account of the address, also a disabled one; one statement in either case."""
    # PostgreSQL text cannot hold NUL.
    return Account.objects.filter(email=address.replace("\0", "")).values_list("pk", flat=True).first()


@receiver(sessions_ending)
def forget_addresses_of_old_passwords(accounts: list[uuid.UUID], **_signal: Any) -> None:
    """Whoever knew the old password is a stranger once there is a new one, wherever they signed in from (S53).

    Other ends of sessions change nothing: who holds a stolen session must not make its holder a stranger at home.
    """
    before = list(Account.objects.filter(pk__in=accounts).values_list("pk", "email", "password"))
    transaction.on_commit(partial(_forget_addresses, before))


def _forget_addresses(before: list[tuple[uuid.UUID, str, str]]) -> None:
    now = dict(Account.objects.filter(pk__in=[pk for pk, _, _ in before]).values_list("pk", "password"))
    # One that is gone has none.
    if changed := [email for pk, email, password in before if now.get(pk) != password]:
        limits.forget(changed)
