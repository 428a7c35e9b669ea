"""S58: what happened to an account is written with what it tells, and cannot fill the disk."""

import dataclasses
import io
import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import AccountsError, NotFound, Required, ValidationFailed
from accounts.guard import events, origin
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.guard.messages import MESSAGES
from accounts.guard.models import SecurityEvent
from accounts.shared.caller import Caller
from project.request_log import RequestFilter
from tests.live import serving

HERE = Caller(ip_address="192.0.2.1", user_agent="a browser")


@pytest.fixture
def subject(db) -> uuid.UUID:
    """An account; events name it without a foreign key."""
    return uuid.uuid4()


def record_failure(subject: uuid.UUID | None, cause: str = "INVALID_CREDENTIALS") -> None:
    """Somebody was refused."""
    events.record_failure(EventType.SIGN_IN_FAILED, subject=subject, caller=HERE, cause=cause)


def counts() -> list[int]:
    """Those of the rows."""
    return list(SecurityEvent.objects.order_by("count").values_list("count", flat=True))


def statements(call: Any) -> list[str]:
    """What the call sends to the database, by its first word."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"].split()[0] for query in captured]


def test_an_event_holds_what_is_known(subject):
    """Who, whom, from where, with what, why."""
    actor = uuid.uuid4()
    events.record(EventType.LINKED, subject=subject, actor=actor, client="web", caller=HERE, cause="google-oauth2")

    event = SecurityEvent.objects.get()
    assert (event.type, event.subject, event.actor, event.client) == ("social:link", subject, actor, "web")
    assert (event.ip_address, event.user_agent, event.cause) == ("192.0.2.1", "a browser", "google-oauth2")
    assert abs(event.created_at - timezone.now()) < timedelta(minutes=1)


def test_an_event_is_undone_with_what_it_tells(subject, django_capture_on_commit_callbacks, caplog):
    """The row and its line in the log."""
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        events.record(EventType.LINKED, subject=subject)
        events.record_each(EventType.DISABLED, [subject])
        transaction.set_rollback(True)

    assert counts() == []
    assert caplog.records == []


def test_several_accounts_are_recorded_by_one_statement(db, django_capture_on_commit_callbacks, caplog):
    """As an action of the administration disables them; each has its own row and line."""
    subjects = [uuid.uuid4() for _ in range(3)]

    with django_capture_on_commit_callbacks(execute=True):
        sent = statements(lambda: events.record_each(EventType.DISABLED, subjects))

    assert sent == ["INSERT"]
    assert {event.subject for event in SecurityEvent.objects.all()} == set(subjects)
    assert len(caplog.records) == 3


def test_failures_of_a_minute_share_a_row(subject):
    """The row counts them, and keeps the origin of the first."""
    with time_machine.travel("2026-11-27T12:00:01Z", tick=False) as clock:
        record_failure(subject)
        clock.shift(58)
        events.record_failure(EventType.SIGN_IN_FAILED, subject=subject, cause="INVALID_CREDENTIALS")

    event = SecurityEvent.objects.get()
    assert (event.count, event.ip_address) == (2, "192.0.2.1")
    assert f"{event.created_at:%H:%M:%S}" == "12:00:00"


def test_failures_share_no_row_with_others(subject):
    """Of the next minute, of another cause, of another account, of none."""
    with time_machine.travel("2026-11-27T12:00:59Z", tick=False) as clock:
        record_failure(subject)
        record_failure(subject, cause="ACCOUNT_DISABLED")
        record_failure(uuid.uuid4())
        record_failure(None)
        clock.shift(1)
        record_failure(subject)

    assert counts() == [1] * 5


def test_failures_on_no_account_share_a_row(db):
    """Whatever address was tried."""
    with time_machine.travel("2026-11-27T12:00:00Z", tick=False):
        record_failure(None)
        record_failure(None)

    assert counts() == [2]


def test_each_failure_costs_the_same_statements(subject):
    """S2: whether its account exists, and whether it is the first of its minute."""
    with time_machine.travel("2026-11-27T12:00:00Z", tick=False):
        sent = [statements(lambda who=who: record_failure(who)) for who in (subject, subject, None, None)]

    assert sent == [sent[0]] * 4
    assert len([word for word in sent[0] if word not in {"SAVEPOINT", "RELEASE"}]) == 2


@pytest.mark.django_db(transaction=True)
def test_simultaneous_failures_are_all_counted():
    """On a real database each has a connection of its own."""
    subject = uuid.uuid4()

    def fail(_number: int) -> None:
        try:
            record_failure(subject)
        finally:
            connections.close_all()

    with time_machine.travel("2026-11-27T12:00:00Z", tick=False):
        if connection.vendor == "sqlite":  # in memory, of one connection
            for _number in range(8):
                record_failure(subject)
        else:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(fail, range(8)))

    assert counts() == [8]


def refused(error: AccountsError, subject: uuid.UUID | None, **more: Any) -> None:
    """A journey that ends so."""
    with pytest.raises(type(error)), events.failures(EventType.SIGN_IN_FAILED, subject=lambda: subject, **more):
        raise error


def test_the_cause_of_a_refusal_is_its_code(subject):
    """The first of several: their combinations would be many rows a minute."""
    refused(ValidationFailed((Required(field=("email",)), NotFound())), subject)

    assert SecurityEvent.objects.get().cause == "REQUIRED"


def test_what_is_no_refusal_is_not_recorded(subject):
    """A success, and an error of ours, which the log has."""
    with events.failures(EventType.SIGN_IN_FAILED, subject=lambda: subject):
        pass
    with pytest.raises(ZeroDivisionError), events.failures(EventType.SIGN_IN_FAILED, subject=lambda: subject):
        raise ZeroDivisionError

    assert counts() == []


def test_a_flood_of_limited_attempts_is_written_once_a_minute(subject):
    """The rest of it costs neither a statement nor a line in the log."""
    with time_machine.travel("2026-11-27T12:00:00Z", tick=False) as clock:
        refused(RateLimited(retry_after=60), subject)
        assert statements(lambda: [refused(RateLimited(retry_after=60), subject) for _ in range(20)]) == []
        clock.shift(60)
        refused(RateLimited(retry_after=60), subject)

    assert [(event.cause, event.count) for event in SecurityEvent.objects.all()] == [("RATE_LIMITED", 1)] * 2


def limited_attempt(who: uuid.UUID | None, name: str, address: str) -> list[str]:
    """What a refusal by a limit sends to the database."""
    caller = Caller(ip_address=address)
    return statements(lambda: refused(RateLimited(retry_after=60), who, named=name, caller=caller))


def test_a_limited_attempt_costs_as_much_for_a_name_that_nobody_has(subject):
    """S2: the first refusal of a name is written, even if others without an account were refused before."""
    attempts = [(who, f"{uuid.uuid4()}@example.com", f"8.8.4.{n}") for n, who in enumerate((subject, None, None))]

    sent = [limited_attempt(*attempt) for attempt in attempts * 2]

    assert sent[:3] == [sent[0]] * 3
    assert sent[0]
    assert sent[3:] == [[]] * 3


@pytest.mark.parametrize("addresses", [["8.8.8.8"], ["2a00::1", "2a00::2", "2a00::ffff:1"]])
def test_a_flood_on_many_names_is_written_once_a_minute_for_each_address(subject, addresses):
    """S58: else each name would cost a write, to the one row of those that nobody has; for known names as well (S2)."""
    with time_machine.travel("2026-11-27T12:00:00Z", tick=False) as clock:
        for _minute in range(2):
            sent = [
                limited_attempt(who, f"{uuid.uuid4()}@example.com", address)
                for address in addresses
                for who in (None, subject, None, subject)
            ]
            assert [bool(each) for each in sent] == [True] + [False] * (len(sent) - 1)
            clock.shift(60)

    assert counts() == [1, 1]


def test_an_address_that_is_nobodys_hides_no_refusals(db):
    """S73: a proxy that the settings forgot is everyone's."""
    for _ in range(3):
        limited_attempt(None, f"{uuid.uuid4()}@example.com", "10.0.0.1")

    assert sum(counts()) == 3


def test_refusals_of_those_who_are_signed_in_are_written_for_each_account(db):
    """However many share an address: a flood needs as many accounts."""
    for _ in range(3):
        refused(RateLimited(retry_after=60), uuid.uuid4(), caller=HERE)

    assert counts() == [1, 1, 1]


def test_an_event_knows_its_request(subject):
    """What a caller of `record` does not say."""
    actor, found = uuid.uuid4(), []

    def find() -> origin.Origin:
        found.append(True)
        return origin.Origin(caller=HERE, request_id="0f")

    with origin.serving(find):
        origin.acts(actor, client="web")
        assert found == []
        events.record(EventType.LINKED, subject=subject)
    events.record(EventType.UNLINKED, subject=subject)

    linked, unlinked = SecurityEvent.objects.order_by("type")
    assert (linked.actor, linked.client, linked.ip_address, linked.request_id) == (actor, "web", "192.0.2.1", "0f")
    assert (unlinked.actor, unlinked.client, unlinked.ip_address, unlinked.request_id) == (None, "", None, "")


def test_nobody_acts_outside_a_request(subject):
    """Else the next request of the thread would inherit the name."""
    origin.acts(uuid.uuid4())

    assert origin.current() == origin.Origin()


def test_each_type_has_words_for_people():
    """In sentences, and no words for types that are gone."""
    assert set(MESSAGES) == set(EventType)
    assert all(str(message).endswith(".") for message in MESSAGES.values())


def line_of(caplog) -> dict[str, str]:
    """The one line, as the log's filter lets it pass."""
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("accounts.audit", logging.INFO)
    assert RequestFilter().filter(record)
    parsed: dict[str, str] = json.loads(record.getMessage())
    return parsed


def test_an_event_is_a_line_of_json(subject, django_capture_on_commit_callbacks, caplog):
    """As it is in the table: types and causes hold words that elsewhere announce a secret."""
    with django_capture_on_commit_callbacks(execute=True):
        events.record(EventType.PASSWORD_CHANGED, subject=subject, caller=HERE, client="web", cause="code=credential:x")

    line = line_of(caplog)
    assert line.pop("at")
    assert line == {
        "event": "account:password:change",
        "subject": str(subject),
        "client": "web",
        "ip": "192.0.2.1",
        "agent": "a browser",
        "cause": "code=credential:x",
    }


def test_only_the_agent_is_scrubbed(subject, caplog):
    """S47: and it cannot break the line. It is the only part in the client's own words."""
    agent = 'x", "event": "account:login:success\nrefresh_token=hunter2'
    events.record_failure(EventType.SIGN_IN_FAILED, subject=subject, caller=Caller(user_agent=agent), cause="A_CODE")

    line = line_of(caplog)
    assert "hunter2" not in line["agent"]
    assert (line["event"], line["cause"]) == ("account:login:failure", "A_CODE")
    assert "\n" not in caplog.records[0].getMessage()


def clear(days: int, settings: Any) -> str:
    """What `manage.py clear_expired` prints, with this retention."""
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, audit_retention_days=days)
    printed = io.StringIO()
    call_command("clear_expired", stdout=printed)
    return printed.getvalue()


@pytest.fixture
def old_and_new(subject) -> None:
    """Two of each."""
    for days in (400, 366, 364, 0):
        at = timezone.now() - timedelta(days=days)
        SecurityEvent.objects.create(type=EventType.LINKED, subject=subject, created_at=at)


def test_old_events_are_deleted(old_and_new, settings, monkeypatch):
    """By the daily command, in batches."""
    monkeypatch.setattr(events, "BATCH", 1)

    assert "2 security events deleted." in clear(365, settings)
    assert len(counts()) == 2


def test_events_can_be_kept_for_good(old_and_new, settings):
    """0 days."""
    assert "0 security events deleted." in clear(0, settings)
    assert len(counts()) == 4


TOKEN_AUTH = """
mutation ($email: String!, $password: String!) {
  tokenAuth(input: {email: $email, password: $password}) { tokens { accessToken } errors { code } }
}
"""
REGISTER = """
mutation { register(input: {
  email: "ada@example.com", username: "ada", firstName: "Ada", password: "correct horse battery staple"
}) { tokens { accessToken } account { id } } }
"""
EVENTS = "{ me { securityEvents { nodes { type message createdAt ipAddress userAgent } } } }"


def test_a_holder_sees_over_http_what_happened(tmp_path):
    """A sign-in and a refused one, with their origin; and the log has their lines as they are, whatever its level."""
    headers = {"User-Agent": "curl/8.5 (test)"}
    with serving(tmp_path, LOG_LEVEL="ERROR") as live:
        _, registered = live.post(REGISTER, headers=headers)
        token = registered["data"]["register"]["tokens"]["accessToken"]
        live.post(TOKEN_AUTH, headers=headers, email="ada@example.com", password="account:login:failure")
        _, shown = live.post(EVENTS, headers={"Authorization": f"Bearer {token}"})
        lines = [line for line in live.log.read_text().splitlines() if " accounts.audit: " in line]

    nodes = shown["data"]["me"]["securityEvents"]["nodes"]
    logged = [json.loads(line.partition(" accounts.audit: ")[2]) for line in lines]
    assert {node["type"] for node in nodes} == {line["event"] for line in logged}
    assert "account:login:failure" in {line["event"] for line in logged}
    shown = {node["type"]: (node["ipAddress"], node["userAgent"]) for node in nodes}
    assert shown.pop("account:login:failure") == (None, None)  # a stranger's, since the address is not confirmed
    assert set(shown.values()) == {("127.0.0.1", headers["User-Agent"])}
    assert all(line["request"] in whole for line, whole in zip(logged, lines, strict=True))
