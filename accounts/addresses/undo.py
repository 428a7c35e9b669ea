"""Undo a change of the address, with the link that was mailed to the former one."""

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.leaving import holdings
from accounts.leaving.deletion import erase
from accounts.mails import codes, notices
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import MailedCode, Purpose
from accounts.passwords.reset import mail_reset
from accounts.people.attempts import attempt
from accounts.people.errors import EmailTaken
from accounts.people.models import Account
from accounts.people.signals import voiding_additions
from accounts.shared.caller import Caller

TOKEN = ("token",)


def undo_email_change(*, token: str, caller: Caller) -> None:
    """Give the account back its former address, and close every way in that was opened since.

    All sessions end, the password is void, and a link for choosing another goes to the address. Identities go that were
    linked since the change, or since an earlier notice whose link still worked then. Later changes are undone too;
    links that undo earlier ones stay. A deletion in its grace period is cancelled.

    Raises InvalidCode, ExpiredCode; EmailTaken if somebody else has verified the address meanwhile; RateLimited.
    """
    with attempt(Action.CODE, EventType.EMAIL_UNDO_FAILED, address="", caller=caller), codes.naming(TOKEN):
        code = codes.by_link(token, Purpose.UNDO_EMAIL_CHANGE)
    key = code.account_id
    with (
        origin.acting(key, caller=caller),
        events.failures(EventType.EMAIL_UNDO_FAILED, subject=lambda: key),
        codes.naming(TOKEN),
        transaction.atomic(),
    ):
        account, squatter = _locked(code)
        codes.spend(code)
        if squatter is not None:
            _free(squatter)
        _restore(account, code)


def _locked(code: MailedCode) -> tuple[Account, Account | None]:
    """Lock the account, and another one that has the address by now. In one order, so that nobody waits in a circle."""
    rows = Account.objects.filter(Q(pk=code.account_id) | Q(email=code.email))
    found = {row.pk == code.account_id: row for row in rows.order_by("pk").select_for_update(no_key=True)}
    account = found.get(True)
    if account is None or not (account.is_active or account.deletion_due_at):
        raise ExpiredCode
    return account, found.get(False)


def _free(squatter: Account) -> None:
    """Delete a never-verified account: its address is that of whoever presses the link (S85). Raises EmailTaken."""
    if squatter.email_verified or squatter.is_staff or squatter.is_superuser:
        raise EmailTaken
    with origin.acting(caller=Caller()):
        erase(squatter)


def _restore(account: Account, code: MailedCode) -> None:
    """Bring the account, whose row is locked, back to the address of the code."""
    was_leaving, replaced = account.deletion_due_at is not None, account.email
    account.email, account.email_verified = code.email, True
    account.password, account.is_active = make_password(None), True
    try:
        with transaction.atomic():
            # A new password, also an unusable one, ends the sessions.
            account.save(update_fields={"email", "email_verified", "password", "is_active"})
    except IntegrityError:
        raise EmailTaken from None
    holdings.rename(account, former=replaced)
    events.record(EventType.EMAIL_CHANGE_UNDONE, subject=account.pk)
    if was_leaving:
        events.record(EventType.DELETION_CANCELLED, subject=account.pk)
    codes.withdraw(account, Purpose.UNDO_EMAIL_CHANGE, since=code.created_at)
    # The links of notices have not worked since the address changed.
    since = notices.suspect_since(code, working_at=code.created_at)
    voiding_additions.send(sender=Account, account=account, since=since)
    mail_reset(account, code.client_id)
