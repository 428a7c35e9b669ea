"""Mails to the holder of an account, each with a code or a link of its own."""

from typing import Any

from accounts.mails import codes, queue
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account


def mail_code(
    account: Account, template: Template, purpose: Purpose, *, client_key: int | None, lifetime: int, **data: Any
) -> None:
    """Queue a mail with a new code to the account's present address, in the current transaction; `lifetime` in seconds.

    `data` are values of the template, without secrets.
    """
    code = codes.create(purpose, email=account.email, account=account, client_key=client_key, lifetime=lifetime)
    queue.put(
        template,
        email=account.email,
        locale=account.locale,
        account=account,
        client_key=client_key,
        code=code,
        data=data,
    )
