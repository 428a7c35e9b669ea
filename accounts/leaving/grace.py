"""The grace period of a deletion: come back within it, or be deleted after it."""

import logging

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.leaving.deletion import erase
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import Purpose
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.shared.caller import Caller

log = logging.getLogger(__name__)

TOKEN = ("token",)


def cancel_account_deletion(*, token: str, caller: Caller) -> None:
    """Open the account again, with the token of the mailed link. Signs nobody in.

    Raises InvalidCode; ExpiredCode, also if staff have disabled the account meanwhile; RateLimited.
    """
    with attempt(Action.CODE, EventType.DELETION_CANCEL_FAILED, address="", caller=caller), codes.naming(TOKEN):
        code = codes.by_link(token, Purpose.CANCEL_DELETION)
    key = code.account_id
    with (
        origin.acting(key, caller=caller),
        events.failures(EventType.DELETION_CANCEL_FAILED, subject=lambda: key),
        codes.naming(TOKEN),
        transaction.atomic(),
    ):
        leaving = Account.objects.filter(
            pk__in=[key], email=code.email, is_active=False, deletion_due_at__gt=timezone.now()
        )
        account = leaving.select_for_update(no_key=True).first()
        if account is None:
            raise ExpiredCode
        codes.spend(code)
        account.is_active = True
        account.save(update_fields={"is_active"})
        events.record(EventType.DELETION_CANCELLED, subject=account.pk)


class Unfinished(Exception):
    """Some of the accounts that were due could not be deleted."""

    def __init__(self, *, deleted: int, failed: int) -> None:
        super().__init__(f"{failed} accounts could not be deleted")
        self.deleted, self.failed = deleted, failed


def purge() -> int:
    """Delete the accounts whose grace period is over; returns their number. Raises Unfinished after all others.

    Each in a transaction of its own. Not those that have become staff meanwhile (see `deletion.refuse_staff`).
    """
    due = Account.objects.filter(
        is_active=False, is_staff=False, is_superuser=False, deletion_due_at__lte=timezone.now()
    ).order_by("deletion_due_at")
    deleted = failed = 0
    for key in list(due.values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                # Somebody else may have deleted or opened it just now, or be about to: the next run finds what is left.
                account = due.filter(pk=key).select_for_update(no_key=True, skip_locked=True).first()
                if account is not None:
                    erase(account)
        except Exception as error:  # noqa: BLE001 - tables of a deployment may refuse it
            # Its text may hold values of the row.
            log.error("account %s could not be deleted: %s", key, type(error).__name__)  # noqa: TRY400
            failed += 1
        else:
            deleted += int(account is not None)
    if failed:
        raise Unfinished(deleted=deleted, failed=failed)
    return deleted


@transaction.atomic
def keep_closed(accounts: QuerySet[Account]) -> int:
    """Disable accounts instead of deleting them, for staff; returns the number of scheduled deletions withdrawn."""
    scheduled = accounts.filter(deletion_due_at__isnull=False).order_by("pk").select_for_update(no_key=True)
    keys = list(scheduled.values_list("pk", flat=True))
    events.record_each(EventType.DELETION_CANCELLED, keys, cause="disabled by staff")
    return Account.objects.filter(pk__in=keys).update(is_active=False, deletion_due_at=None)
