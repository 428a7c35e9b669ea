"""Secure an account with the link of a notice: "this was not me"."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode, InvalidCode
from accounts.mails.models import MailedCode, Purpose
from accounts.passwords.reset import mail_reset
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.people.signals import voiding_additions
from accounts.shared.caller import Caller

TOKEN = ("token",)
BEFORE = timedelta(minutes=1)
"""A notice is stored a moment after the change that it tells."""


def secure_account(*, token: str, caller: Caller) -> None:
    """End every session of the account, void its password and what was added lately, and mail its holder a reset.

    Raises InvalidCode; ExpiredCode, also if the account has another address by now; RateLimited.
    """
    with attempt(Action.CODE, EventType.SECURE_FAILED, address="", caller=caller):
        try:
            code = codes.by_link(token, Purpose.SECURE)
        except (InvalidCode, ExpiredCode) as error:
            error.field = TOKEN
            raise
    key = code.account_id
    with (
        origin.acting(key, caller=caller),
        events.failures(EventType.SECURE_FAILED, subject=lambda: key),
    ):
        try:
            _secure(code)
        except ExpiredCode as error:
            error.field = TOKEN
            raise


@transaction.atomic
def _secure(code: MailedCode) -> None:
    since = _since(code)
    codes.spend(code)
    account = codes.locked_holder(code)
    # Another unusable password is a change too: it ends the sessions.
    account.set_unusable_password()
    account.save(update_fields={"password"})
    voiding_additions.send(sender=Account, account=account, since=since)
    events.record(EventType.SECURED, subject=account.pk)
    # In the same transaction, so that the holder is never locked out.
    mail_reset(account, code.client_id)


def _since(code: MailedCode) -> datetime:
    """From when on additions are void: the first of the notices whose links still work.

    Not only this notice: whoever came in may have linked an identity first and changed the password afterwards, and
    using one link uses up the others.
    """
    working = MailedCode.objects.filter(
        account=code.account_id, purpose=Purpose.SECURE, used_at=None, expires_at__gt=timezone.now()
    )
    first = working.order_by("created_at").values_list("created_at", flat=True).first()
    return (first or code.created_at) - BEFORE
