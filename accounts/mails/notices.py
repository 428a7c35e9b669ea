"""Notices: mails that tell the holder of an account what happened to it, with a link to secure it."""

from typing import Any

from accounts.conf import latchkey
from accounts.mails import codes, queue
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account


def tell(account: Account, template: Template, *, client_key: int | None = None, **data: Any) -> None:
    """Queue a notice in the current transaction, to a verified address only (S62). Its link secures the account."""
    if not account.email_verified:
        return
    code = codes.create(
        Purpose.SECURE, email=account.email, account=account, client_key=client_key, lifetime=latchkey().undo_lifetime
    )
    queue.put(
        template,
        email=account.email,
        locale=account.locale,
        account=account,
        client_key=client_key,
        code=code,
        data=data,
    )
