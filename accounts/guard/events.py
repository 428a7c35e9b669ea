"""Record security events, each in the transaction of what it tells."""

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import AccountsError
from accounts.guard import origin
from accounts.guard.models import SecurityEvent
from accounts.shared.caller import Caller

log = logging.getLogger("accounts.audit")


class EventType(StrEnum):
    """What can happen. The values are public and stable; kinds may be added."""

    REGISTERED = "account:register:success"
    REGISTER_FAILED = "account:register:failure"
    SIGNED_IN = "account:login:success"
    SIGN_IN_FAILED = "account:login:failure"
    REFRESH_REFUSED = "session:refresh:failure"
    SESSION_ENDED = "session:end"
    ALL_SESSIONS_ENDED = "session:end:all"
    OTHER_SESSIONS_ENDED = "session:end:others"
    REAUTHENTICATED = "account:reauthenticate:success"
    REAUTHENTICATION_FAILED = "account:reauthenticate:failure"
    PASSWORD_CHANGED = "account:password:change"  # noqa: S105 - no password
    PASSWORD_CHANGE_FAILED = "account:password:failure"  # noqa: S105
    DISABLED = "account:disable"
    ENABLED = "account:enable"
    TAKEN_OVER = "account:displace"
    LINKED = "social:link"
    UNLINKED = "social:unlink"
    LINK_FAILED = "social:link:failure"
    PROFILE_CHANGED = "account:update"
    EXPORTED = "account:export"
    DELETED = "account:delete"


def record(
    type_: EventType,
    *,
    subject: uuid.UUID | None,
    actor: uuid.UUID | None = None,
    client: str = "",
    caller: Caller | None = None,
    cause: str = "",
) -> None:
    """Record what happened, in the current transaction. What is not given comes from the request's origin."""
    event = _event(type_, subject=subject, actor=actor, client=client, caller=caller, cause=cause)
    event.save(force_insert=True)
    transaction.on_commit(lambda: _log(event))


def record_failure(
    type_: EventType, *, subject: uuid.UUID | None, client: str = "", caller: Caller | None = None, cause: str = ""
) -> None:
    """Record a refused attempt. Call outside the transaction that it rolled back.

    A flood cannot fill the disk: attempts on one account in one minute with the same cause share a row, as do those on
    no account.
    """
    event = _event(type_, subject=subject, actor=None, client=client, caller=caller, cause=cause)
    event.created_at = event.created_at.replace(second=0, microsecond=0)
    event.id = uuid.uuid5(uuid.NAMESPACE_URL, f"{type_}|{subject}|{cause}|{event.created_at.isoformat()}")
    repeated = SecurityEvent.objects.filter(pk=event.pk)
    if not repeated.update(count=F("count") + 1):
        try:
            with transaction.atomic():
                event.save(force_insert=True)
        except IntegrityError:
            # A concurrent failure was first.
            repeated.update(count=F("count") + 1)
    _log(event)


@contextmanager
def failures(
    type_: EventType, *, subject: Callable[[], uuid.UUID | None], client: str = "", caller: Caller | None = None
) -> Iterator[None]:
    """Record each AccountsError of the body as a failure; `subject` finds the account that it was about."""
    try:
        yield
    except AccountsError as error:
        cause = ", ".join(dict.fromkeys(failure.code for failure in error.failures))
        record_failure(type_, subject=subject(), client=client, caller=caller, cause=cause)
        raise


def clear_expired(*, older_than: timedelta) -> int:
    """Delete old events; returns their number."""
    deleted, _per_model = SecurityEvent.objects.filter(created_at__lt=timezone.now() - older_than).delete()
    return deleted


def _event(
    type_: EventType,
    *,
    subject: uuid.UUID | None,
    actor: uuid.UUID | None,
    client: str,
    caller: Caller | None,
    cause: str,
) -> SecurityEvent:
    source = origin.current()
    caller = caller or source.caller
    return SecurityEvent(
        type=type_,
        subject=subject,
        actor=actor or source.actor,
        client=client,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        cause=cause[:100],
        request_id=source.request_id,
    )


def _log(event: SecurityEvent) -> None:
    """One line of JSON for each event."""
    fields = {
        "event": event.type,
        "subject": event.subject,
        "actor": event.actor,
        "client": event.client,
        "ip": event.ip_address,
        "agent": event.user_agent,
        "cause": event.cause,
        "request": event.request_id,
        "at": event.created_at,
    }
    log.info(json.dumps({name: _plain(value) for name, value in fields.items() if value}))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
