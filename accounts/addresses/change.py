"""Change one's own e-mail address: ask, confirm, cancel.

Nothing changes until somebody shows both: the mailbox of the new address, by a mailed link or code, and the account, by
a Bearer token. A link alone would let a stranger's press turn their own mailbox into the address of an account that
somebody else can open (S9).
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey
from accounts.errors import InvalidCode, InvalidInput
from accounts.guard import events, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.leaving import holdings
from accounts.mails import codes, notices, queue
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.people.errors import EmailTaken
from accounts.people.models import Account
from accounts.people.named import named_address
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer
from accounts.tokens.proof import require_recent_proof

NEW = ("new_email",)
SAME = _("This is the address of your account already.")
TAKEN = "taken"
"""Marks a code for an address that had an account. Nobody is mailed it, and it confirms nothing."""


def request_email_change(*, bearer: Bearer, new_email: str, caller: Caller) -> Account:
    """Mail a link and a code to the new address; an earlier request ends. The present address is told.

    A taken address gets another mail, and the answer is the same. Raises ReauthenticationRequired; Required,
    InvalidInput; RateLimited; InvalidToken if the session has ended meanwhile.
    """
    key, client = bearer.account.pk, bearer.client_name
    with events.failures(EventType.EMAIL_CHANGE_FAILED, subject=lambda: key, client=client, caller=caller):
        require_recent_proof(bearer)
        email = named_address(new_email, field=NEW)
        if email == bearer.account.email:
            raise InvalidInput(SAME, field=NEW)
        with limits.attempt(Action.MAIL, account=email, caller=caller, client=client), transaction.atomic():
            account = bearer_tokens.locked_account(bearer)
            _mail(account, email, client_key=bearer.client_id)
            notices.tell(account, Template.EMAIL_CHANGE_REQUESTED, client_key=bearer.client_id)
            events.record(EventType.EMAIL_CHANGE_REQUESTED, subject=key, actor=key, client=client, caller=caller)
            return account


def confirm_email_change(*, bearer: Bearer, token: str = "", typed: str = "", caller: Caller) -> Account:
    """Give the bearer's account its new address, with the token of the mailed link or the typed code. Sessions stay.

    The former address, if verified, is mailed a link that undoes it, unless this change undoes another one.

    Raises InvalidCode, ExpiredCode; EmailTaken; RateLimited; InvalidToken if the session has ended meanwhile.
    """
    key, client = bearer.account.pk, bearer.client_name
    with (
        events.failures(EventType.EMAIL_CHANGE_FAILED, subject=lambda: key, client=client, caller=caller),
        limits.attempt(Action.CODE, account=bearer.account.email, caller=caller, client=client),
        codes.naming(("code",) if typed else ("token",)),
    ):
        code = _shown(bearer.account, token, typed)
        with transaction.atomic():
            account = bearer_tokens.locked_account(bearer)
            codes.spend(code)
            _change(account, code.email, client_key=bearer.client_id)
            return account


@transaction.atomic
def cancel_email_change(*, bearer: Bearer) -> Account:
    """Withdraw the pending change, if there is one. Raises InvalidToken if the session has ended meanwhile."""
    account = bearer_tokens.locked_account(bearer)
    if codes.withdraw(account, Purpose.CHANGE_EMAIL):
        events.record(EventType.EMAIL_CHANGE_CANCELLED, subject=account.pk)
    return account


def pending_email(account: Account) -> str | None:
    """The address that waits for its confirmation, or None."""
    code = codes.newest(Purpose.CHANGE_EMAIL, account=account)
    return code.email if code else None


def _mail(account: Account, email: str, *, client_key: int) -> None:
    """Store the code, and queue the mail to the new address. A taken one makes no difference in rows and statements."""
    locale = Account.objects.filter(email=email).values_list("locale", flat=True).first()
    is_taken = locale is not None
    codes.withdraw(account, Purpose.CHANGE_EMAIL)
    code = codes.create(
        Purpose.CHANGE_EMAIL,
        email=email,
        account=account,
        client_key=client_key,
        lifetime=latchkey().email_verification_lifetime,
        data={TAKEN: is_taken},
    )
    # Without the account: its holder's export lists its mails, and the template tells whether the address is taken.
    queue.put(
        Template.ADDRESS_TAKEN if is_taken else Template.CONFIRM_EMAIL,
        email=email,
        locale=locale or account.locale,
        client_key=client_key,
        code=None if is_taken else code,
    )


def _shown(account: Account, token: str, typed: str) -> MailedCode:
    """The code of the account's pending change, if the link or the typed code is right."""
    if typed:
        code = codes.newest(Purpose.CHANGE_EMAIL, account=account)
        if code is None:
            raise ExpiredCode
        codes.guess(code, typed)
    else:
        code = codes.by_link(token, Purpose.CHANGE_EMAIL)
    if code.account_id != account.pk or code.data.get(TAKEN):
        raise InvalidCode
    return code


def _change(account: Account, email: str, *, client_key: int) -> None:
    """Change the address of the account, whose row is locked."""
    before = account.email
    former = before if account.email_verified else ""
    account.email, account.email_verified = email, True
    try:
        with transaction.atomic():
            account.save(update_fields={"email", "email_verified"})
    except IntegrityError:
        raise EmailTaken from None
    holdings.rename(account, former=before)
    # Codes that were mailed to the former address prove nothing about the new one.
    codes.withdraw(account)
    if not former or _undoes(account):
        return
    undo = codes.create(
        Purpose.UNDO_EMAIL_CHANGE,
        email=former,
        account=account,
        client_key=client_key,
        lifetime=latchkey().undo_lifetime,
    )
    # Never limited, as notices are: it is the way back.
    queue.put(
        Template.EMAIL_CHANGED, email=former, locale=account.locale, account=account, client_key=client_key, code=undo
    )


def _undoes(account: Account) -> bool:
    """Whether this change brings the account back to an address that it lately had.

    It then acts as the mailed link would: the addresses since get no way back, or lose it. Otherwise a thief, from whom
    the holder took the account back in a session, could take it again once the holder's own link has expired.
    """
    links = MailedCode.objects.filter(account=account, purpose=Purpose.UNDO_EMAIL_CHANGE, email=account.email)
    usable = links.filter(used_at=None, expires_at__gt=timezone.now()).order_by("created_at")
    first = usable.values_list("created_at", flat=True).first()
    if first is None:
        return False
    codes.withdraw(account, Purpose.UNDO_EMAIL_CHANGE, since=first + timedelta.resolution)
    return True
