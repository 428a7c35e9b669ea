"""Secure an account with the link of a notice: "this was not me"."""

from django.db import transaction
from django.utils import timezone

from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes, notices
from accounts.mails.models import MailedCode, Purpose
from accounts.passwords.reset import mail_reset
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.people.signals import voiding_additions
from accounts.shared.caller import Caller

TOKEN = ("token",)


def secure_account(*, token: str, caller: Caller) -> None:
    """End every session of the account, void its password and what was added lately, and mail its holder a reset.

    A deletion in its grace period is cancelled: otherwise whoever knows the password could close the account again as
    soon as its holder has opened it, and this link would never work.

    Raises InvalidCode; ExpiredCode, also if the account has another address by now; RateLimited.
    """
    with attempt(Action.CODE, EventType.SECURE_FAILED, address="", caller=caller), codes.naming(TOKEN):
        code = codes.by_link(token, Purpose.SECURE)
    key = code.account_id
    with (
        origin.acting(key, caller=caller),
        events.failures(EventType.SECURE_FAILED, subject=lambda: key),
        codes.naming(TOKEN),
    ):
        _secure(code)


@transaction.atomic
def _secure(code: MailedCode) -> None:
    since = notices.suspect_since(code, working_at=timezone.now())
    codes.spend(code)
    account = codes.locked_holder(code, leaving=True)
    was_leaving = account.deletion_due_at is not None
    # Another unusable password is a change too: it ends the sessions.
    account.set_unusable_password()
    account.is_active = True
    account.save(update_fields={"password", "is_active"})
    if was_leaving:
        events.record(EventType.DELETION_CANCELLED, subject=account.pk)
    voiding_additions.send(sender=Account, account=account, since=since)
    events.record(EventType.SECURED, subject=account.pk)
    # In the same transaction, so that the holder is never locked out.
    mail_reset(account, code.client_id)
