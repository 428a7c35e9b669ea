"""Change one's own profile."""

import math
import unicodedata
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.conf import latchkey
from accounts.errors import AccountsError, ValidationFailed
from accounts.guard import events, limits
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.people.forms import ProfileForm, failures
from accounts.people.models import Account
from accounts.people.usernames import LONGEST_USERNAME
from accounts.shared.caller import Caller

USERNAME = "username"


def update_account(
    *, account: Account, lock: Callable[[], Account], changes: Mapping[str, str], caller: Caller, client: str
) -> Account:
    """Change the given fields: `username`, `first_name`, `last_name`, `locale`. Writes nothing if all are so already.

    `lock` returns the account's locked row, or raises if it may not be changed any more. Raises ValidationFailed with
    all failures of all fields; RateLimited.
    """
    key = account.pk
    with (
        events.failures(EventType.PROFILE_CHANGE_FAILED, subject=lambda: key, client=client, caller=caller),
        limits.attempt(Action.UPDATE_ACCOUNT, account=str(key), caller=caller, client=client),
        transaction.atomic(),
    ):
        account = lock()
        before = {name: getattr(account, name) for name in changes}
        too_early = _too_early(account, changes.get(USERNAME))
        form = ProfileForm(changes, instance=account)
        if not form.is_valid() or too_early:
            raise ValidationFailed(_with(too_early, failures(form)))
        # As it is stored.
        account.username = unicodedata.normalize("NFC", account.username)
        changed = [name for name in form.fields if getattr(account, name) != before[name]]
        if changed:
            _store(account, changed, changes)
            events.record(
                EventType.PROFILE_CHANGED,
                subject=key,
                actor=key,
                client=client,
                caller=caller,
                cause=", ".join(changed),
            )
        return account


def _store(account: Account, changed: list[str], changes: Mapping[str, str]) -> None:
    """Store the changed fields. Raises ValidationFailed if another account took the username since validation."""
    fields = list(changed)
    if USERNAME in changed:
        account.username_changed_at = timezone.now()
        fields.append("username_changed_at")
    try:
        with transaction.atomic():
            account.save(update_fields=fields)
    except IntegrityError:
        rechecked = ProfileForm(changes, instance=Account.objects.get(pk=account.pk))
        if rechecked.is_valid():
            raise
        raise ValidationFailed(failures(rechecked)) from None


def _too_early(account: Account, username: str | None) -> RateLimited | None:
    """The failure of a change of the username within the interval since the last one, if there is one."""
    interval, last = latchkey().username_change_interval, account.username_changed_at
    # A form refuses an overlong one; normalizing it would only cost work (S80).
    if not interval or last is None or username is None or len(username) > LONGEST_USERNAME:
        return None
    if unicodedata.normalize("NFC", username.strip()) == account.username:
        return None
    left = last + timedelta(seconds=interval) - timezone.now()
    if left <= timedelta():
        return None
    failure = RateLimited(retry_after=math.ceil(left.total_seconds()))
    failure.field = (USERNAME,)
    return failure


def _with(too_early: RateLimited | None, found: tuple[AccountsError, ...]) -> tuple[AccountsError, ...]:
    """The failures of the form; those of the username give way to the interval, which no other username satisfies."""
    if too_early is None:
        return found
    return (too_early, *(failure for failure in found if failure.field != (USERNAME,)))
