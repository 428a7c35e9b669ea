"""Record security events, each in the transaction of what it tells."""

import json
import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.errors import AccountsError
from accounts.guard import origin
from accounts.guard.errors import RateLimited
from accounts.guard.limits import network_of
from accounts.guard.models import SecurityEvent
from accounts.shared import clock, metrics
from accounts.shared.caller import Caller
from accounts.shared.keyset import Position, found_forwards
from accounts.shared.single_use import digest_of
from accounts.shared.statements import Insert, Update, parameter

log = logging.getLogger("accounts.audit")

CACHE_PREFIX = "audit"
BATCH = 1000
"""The number of rows that one statement writes or deletes."""


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
    SESSION_END_REFUSED = "session:end:failure"
    REAUTHENTICATED = "account:reauthenticate:success"
    REAUTHENTICATION_FAILED = "account:reauthenticate:failure"
    REAUTHENTICATION_CODE_SENT = "account:reauthenticate:code"
    LOGIN_CODE_REQUESTED = "account:login:code"
    RESET_REQUESTED = "account:password:reset:request"
    RESET = "account:password:reset"
    RESET_FAILED = "account:password:reset:failure"
    MAIL_REFUSED = "account:mail:failure"
    """A mail that somebody asked for, and did not get."""
    SECURED = "account:secure"
    SECURE_FAILED = "account:secure:failure"
    PASSWORD_CHANGED = "account:password:change"  # noqa: S105 - no password
    PASSWORD_CHANGE_FAILED = "account:password:failure"  # noqa: S105
    DISABLED = "account:disable"
    ENABLED = "account:enable"
    TAKEN_OVER = "account:displace"
    EMAIL_CHANGED = "account:email:change"
    EMAIL_VERIFIED = "account:email:verify"
    EMAIL_VERIFICATION_FAILED = "account:email:verify:failure"
    EMAIL_CHANGE_REQUESTED = "account:email:change:request"
    EMAIL_CHANGE_CANCELLED = "account:email:change:cancel"
    EMAIL_CHANGE_FAILED = "account:email:change:failure"
    EMAIL_CHANGE_UNDONE = "account:email:undo"
    EMAIL_UNDO_FAILED = "account:email:undo:failure"
    PRIVILEGES_CHANGED = "account:privileges:change"
    TOTP_ENABLED = "mfa:totp:enable"
    TOTP_DISABLED = "mfa:totp:disable"
    FACTOR_CHANGE_FAILED = "mfa:change:failure"
    """Of an authenticator app, recovery codes or passkeys."""
    FACTOR_FAILED = "mfa:answer:failure"
    """A wrong second factor after a right first one."""
    RECOVERY_CODES_MADE = "mfa:recovery_codes:create"
    RECOVERY_CODE_USED = "mfa:recovery_codes:use"
    FACTOR_RESET_REQUESTED = "mfa:reset:request"
    FACTOR_RESET_WITHDRAWN = "mfa:reset:withdraw"
    FACTORS_RESET = "mfa:reset"
    BROWSER_REMEMBERED = "mfa:browser:remember"
    PASSKEY_ADDED = "passkey:add"
    PASSKEY_RENAMED = "passkey:rename"
    PASSKEY_REMOVED = "passkey:remove"
    LINKED = "social:link"
    LINK_FAILED = "social:link:failure"
    UNLINKED = "social:unlink"
    UNLINK_FAILED = "social:unlink:failure"
    PROFILE_CHANGED = "account:update"
    PROFILE_CHANGE_FAILED = "account:update:failure"
    EXPORTED = "account:export"
    EXPORT_FAILED = "account:export:failure"
    DISOWNED = "account:disown"
    DISOWN_FAILED = "account:disown:failure"
    DELETION_SCHEDULED = "account:delete:schedule"
    DELETION_CANCELLED = "account:delete:cancel"
    DELETION_CANCEL_FAILED = "account:delete:cancel:failure"
    DELETED = "account:delete"
    DELETE_FAILED = "account:delete:failure"
    EVENTS_EXPORTED = "events:export"
    """By an operator's program. It is about no account."""


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
    _insert.store(event)
    transaction.on_commit(lambda: _log(event))


def record_each(type_: EventType, subjects: Iterable[uuid.UUID], *, cause: str = "") -> None:
    """Record what happened to several accounts at once, in the current transaction."""
    recorded = [_event(type_, subject=subject, cause=cause) for subject in subjects]
    SecurityEvent.objects.bulk_create(recorded, batch_size=BATCH)
    for event in recorded:
        transaction.on_commit(lambda event=event: _log(event))  # type: ignore[misc]


def record_failure(
    type_: EventType, *, subject: uuid.UUID | None, client: str = "", caller: Caller | None = None, cause: str = ""
) -> None:
    """Record a refused attempt. Call outside the transaction that it rolled back, which would take the event along.

    A flood cannot fill the disk: attempts on one account in one minute with the same cause share a row, which counts
    them and keeps the origin of the first. So do those on no account. Each attempt costs the same statements, whether
    its account exists, and whether it is the first of its minute (S2).
    """
    event = _event(type_, subject=subject, client=client, caller=caller, cause=cause)
    event.created_at = event.created_at.replace(second=0, microsecond=0)
    event.id = uuid.uuid5(uuid.NAMESPACE_URL, f"{type_}|{subject}|{event.cause}|{event.created_at.isoformat()}")
    event.count = 0
    with transaction.atomic():
        # Waits for a concurrent first attempt. No conflict target, which a partitioned table would not have.
        _insert_once.store(event)
        count_once_more(id=event.id, created_at=event.created_at)
    _log(event)


@contextmanager
def failures(
    type_: EventType,
    *,
    subject: Callable[[], uuid.UUID | None],
    named: str = "",
    client: str = "",
    caller: Caller | None = None,
    method: str = "",
) -> Iterator[None]:
    """Record an AccountsError of the body as a failure, with the cause of the first of its failures: mostly the code.

    `subject` finds the account that the attempt was about. `named` is what a stranger's attempt named, such as an
    e-mail address. Of RateLimited, only the first for this name, and the first from this address, in a minute is
    recorded; without `named` the first for this account. Otherwise each refusal of a flood would cost a write. It is
    the name that counts, so that an unknown address costs the same as a known one (S2).

    `method` is that of a sign-in. The metrics count each of its failures.
    """
    try:
        yield
    except AccountsError as error:
        if method:
            metrics.SIGN_INS.labels(method, error.failures[0].code).inc()
        if not isinstance(error, RateLimited) or _is_news(type_, subject, named, caller):
            record_failure(type_, subject=subject(), client=client, caller=caller, cause=error.failures[0].cause)
        raise


def of_account(account: uuid.UUID) -> QuerySet[SecurityEvent]:
    """What happened to this account, newest first. Its holder sees all of it, failures too, and nobody else's (S65)."""
    return SecurityEvent.objects.filter(subject=account)


def oldest_first(
    *,
    since: datetime | None = None,
    until: datetime,
    types: Collection[EventType] = (),
    subject: uuid.UUID | None = None,
    after: Position | None = None,
) -> Iterator[SecurityEvent]:
    """The events from `since` to before `until`, of these types or all, those of one account or all.

    `after` continues behind an event of an earlier call. Memory does not grow with the number of events.

    Moments are those of the database's clock. Failures are counted in the row of their minute, and a transaction
    commits after the moment of its event: with an `until` within the last minutes, later calls would skip what is
    written until then.
    """
    rows = SecurityEvent.objects.filter(created_at__lt=until)
    if since:
        rows = rows.filter(created_at__gte=since)
    if types:
        rows = rows.filter(type__in=types)
    if subject:
        rows = rows.filter(subject=subject)
    return found_forwards(rows, by="created_at", after=after)


def clear_expired(*, older_than: timedelta) -> int:
    """Delete old events, in many short transactions; returns their number."""
    oldest = SecurityEvent.objects.filter(created_at__lt=timezone.now() - older_than).order_by("created_at")
    total = 0
    while True:
        with transaction.atomic():
            # Another run may hold some of them, which is then their end.
            batch = oldest.select_for_update(skip_locked=True).values("pk")[:BATCH]
            deleted = SecurityEvent.objects.filter(pk__in=batch).expire()
        total += deleted
        if deleted < BATCH:
            return total


def _is_news(type_: EventType, subject: Callable[[], uuid.UUID | None], named: str, caller: Caller | None) -> bool:
    """Whether a refusal by a limit is recorded."""
    if not named:
        return _is_first(type_, str(subject()))
    # Empty if it is nobody's, such as that of a proxy: one there would hide the refusals of all others (S73).
    address = network_of((caller or origin.current().caller).ip_address)
    return (not address or _is_first(type_, f"from {address}")) and _is_first(type_, named)


def _is_first(type_: EventType, name: str) -> bool:
    """Whether this is the first call for the name in this minute. False if the cache is away."""
    key = digest_of(f"{type_}|{name}|{timezone.now():%Y-%m-%dT%H:%M}")
    return bool(cache.add(f"{CACHE_PREFIX}:{key}", True, timeout=60))  # noqa: FBT003 - any value


def _event(
    type_: EventType,
    *,
    subject: uuid.UUID | None,
    actor: uuid.UUID | None = None,
    client: str = "",
    caller: Caller | None = None,
    cause: str = "",
) -> SecurityEvent:
    source = origin.current()
    caller = caller or source.caller
    if source.client.startswith(origin.PROGRAM):
        # It has no account: this is where its events name it, whose session it may be that ends.
        client = source.client
    return SecurityEvent(
        type=type_,
        subject=subject,
        actor=actor or source.actor,
        client=client or source.client,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        cause=cause[:100],
        request_id=source.request_id,
        created_at=clock.now(),
    )


def _log(event: SecurityEvent) -> None:
    """Count the event, and log it as one line of JSON.

    `extra` lets the log's filter tell our values from the client's own words.
    """
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
    metrics.SECURITY_EVENTS.labels(event.type).inc()
    plain = {name: _plain(value) for name, value in fields.items() if value}
    log.info("%s", json.dumps(plain), extra={"security_event": plain})


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


_insert = Insert(SecurityEvent)
_insert_once = Insert(SecurityEvent, ignore_conflicts=True)
count_once_more = Update(
    SecurityEvent,
    lambda: SecurityEvent.objects.filter(
        pk=parameter(SecurityEvent, "id"), created_at=parameter(SecurityEvent, "created_at")
    ),
    count=F("count") + 1,
)
"""Counts a failure that was repeated in the same minute, for `record_failure`."""
