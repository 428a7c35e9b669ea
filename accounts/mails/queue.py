"""The queue of mails: a table, so that a mail is stored with the change that it tells, and survives a crash."""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, Q
from django.utils import timezone

from accounts.mails.models import Mail, MailedCode
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared.statements import Insert

wake = threading.Event()
"""Set when this process has queued a mail, for its worker."""


def put(
    template: Template,
    *,
    email: str,
    locale: str,
    account: Account | None = None,
    client_key: int | None = None,
    code: MailedCode | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Queue a mail in the current transaction: one statement, whatever the mail (S2).

    `client_key` is the primary key of the client whose front end its links open; None for the default one.
    `data` is JSON without secrets.
    """
    mail = Mail(
        template=template, email=email, locale=locale, account=account, client_id=client_key, code=code, data=data or {}
    )
    _insert.store(mail)
    transaction.on_commit(wake.set)


@dataclass(frozen=True)
class State:
    """The queued mails, in numbers."""

    due: int
    oldest: datetime | None
    """Since when the mail has been due that has waited longest."""
    dead_letters: int


def state() -> State:
    """Count the queued mails, for the metrics."""
    due = Q(dead_at=None, due_at__lte=timezone.now())
    return State(
        **Mail.objects.aggregate(
            due=Count("pk", filter=due), oldest=Min("due_at", filter=due), dead_letters=Count("dead_at")
        )
    )


_insert = Insert(Mail)
