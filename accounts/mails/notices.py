"""Notices: mails that tell the holder of an account what happened to it, with a link to secure it."""

from datetime import datetime, timedelta
from typing import Any

from accounts.conf import latchkey
from accounts.mails.holders import mail_code
from accounts.mails.models import MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account

BEFORE = timedelta(minutes=1)
"""A notice is stored a moment after the change that it tells."""


def tell(account: Account, template: Template, *, client_key: int | None = None, **data: Any) -> None:
    """Queue a notice in the current transaction, to a verified address only (S62). Its link secures the account."""
    if not account.email_verified:
        return
    lifetime = latchkey().undo_lifetime
    mail_code(account, template, Purpose.SECURE, client_key=client_key, lifetime=lifetime, **data)


def suspect_since(code: MailedCode, *, working_at: datetime) -> datetime:
    """From when on additions to the account are void, if its holder uses this link: "this was not me".

    Not only from the link on: whoever came in may have linked an identity first, and changed the password or the
    address afterwards. So from the first notice whose link worked at that instant.
    """
    working = MailedCode.objects.filter(
        account=code.account_id, purpose=Purpose.SECURE, used_at=None, expires_at__gt=working_at
    )
    first = working.order_by("created_at").values_list("created_at", flat=True).first()
    return min(first or code.created_at, code.created_at) - BEFORE
