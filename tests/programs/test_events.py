"""`manage.py events export`: everything, once, in order, and resumable."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from psycopg.pq import TransactionStatus

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.shared import clock
from accounts.shared.caller import Caller
from tests.programs.running import run

ADA, BOB = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def long_ago(db):
    """Six events of an hour ago, the first three in one moment."""
    now = timezone.now() - timedelta(hours=1)
    for number, (type_, subject) in enumerate(
        [
            (EventType.SIGNED_IN, ADA),
            (EventType.SIGNED_IN, BOB),
            (EventType.DISABLED, ADA),
            (EventType.ENABLED, ADA),
            (EventType.SIGN_IN_FAILED, None),
            (EventType.DELETED, BOB),
        ]
    ):
        at = now + timedelta(seconds=max(0, number - 2))
        SecurityEvent.objects.create(type=type_, subject=subject, created_at=at)
    return now


def exported(*arguments: str) -> list[dict[str, object]]:
    """The exported events."""
    done = run("events", "export", *arguments)
    assert done.code == 0
    return done.records


def test_events_are_exported_oldest_first_with_everything_about_them(db):
    """As the table has them."""
    caller = Caller(ip_address="192.0.2.1", user_agent="agent")
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        events.record(EventType.LINKED, subject=ADA, actor=BOB, client="web", caller=caller, cause="google-oauth2")
        events.record(EventType.UNLINKED, subject=ADA)
    stored = SecurityEvent.objects.order_by("created_at").first()

    first, second = exported()

    assert (first["type"], second["type"]) == ("social:link", "social:unlink")
    assert first == {
        "id": str(stored.pk),
        "type": "social:link",
        "subject": str(ADA),
        "actor": str(BOB),
        "client": "web",
        "ip_address": "192.0.2.1",
        "user_agent": "agent",
        "cause": "google-oauth2",
        "request_id": "",
        "count": 1,
        "created_at": stored.created_at.isoformat(),
        "cursor": f"{stored.created_at.isoformat()}/{stored.pk}",
    }


def test_an_export_goes_on_behind_a_cursor(long_ago):
    """In parts of any size: each event once, also those of one moment."""
    whole, found, cursor = exported(), [], []
    while part := exported("--limit", "2", *cursor):
        found += part
        cursor = ["--after", part[-1]["cursor"]]

    assert len(whole) == 6
    assert found == whole


def test_what_may_be_incomplete_is_left_out_until_it_is_complete(db):
    """A failure counts in the row of its minute, which an export between would have missed."""
    begin = timezone.now().replace(second=5, microsecond=0)
    with time_machine.travel(begin, tick=False):
        events.record_failure(EventType.SIGN_IN_FAILED, subject=ADA, cause="X")
    with time_machine.travel(begin + timedelta(seconds=30), tick=False):
        assert exported() == []
        events.record_failure(EventType.SIGN_IN_FAILED, subject=ADA, cause="X")
    with time_machine.travel(begin + timedelta(seconds=130), tick=False):
        assert [event["count"] for event in exported("--account", str(ADA))] == [2]


@pytest.mark.parametrize(("recorder", "exporter"), [(-90, 0), (90, 0), (0, 90), (0, -90)])
def test_a_clock_that_is_off_hides_nothing(db, monkeypatch, recorder, exporter):
    """Events have the time of the database: a slow clock dates none back behind the cursor of an export."""
    now = timezone.now().replace(second=5, microsecond=0)
    with monkeypatch.context() as there, time_machine.travel(now + timedelta(seconds=recorder), tick=False):
        there.setattr(clock._Offset, "value", timedelta(seconds=-recorder))
        events.record_failure(EventType.SIGN_IN_FAILED, subject=ADA, cause="X")
        events.record(EventType.LINKED, subject=ADA)
    monkeypatch.setattr(clock._Offset, "value", timedelta(seconds=-exporter))
    with time_machine.travel(now + timedelta(seconds=exporter + 110), tick=False):
        assert exported() == []
    with time_machine.travel(now + timedelta(seconds=exporter + 130), tick=False):
        assert [event["type"] for event in exported("--account", str(ADA))] == ["account:login:failure", "social:link"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_every_connection_compares_the_clocks(db, monkeypatch):
    """Also without a pool: commands have none, and a pooler may stand in its place."""
    compared: list[dict[str, object]] = []
    monkeypatch.setattr(clock, "compare", lambda **readings: compared.append(readings))
    own = connection.copy()

    own.ensure_connection()
    idle = own.connection.info.transaction_status == TransactionStatus.IDLE
    own.close()

    assert idle
    assert [readings.keys() for readings in compared] == [{"before", "database", "after"}]


def test_people_can_have_the_newest(db):
    """With `--lag 0`."""
    events.record(EventType.LINKED, subject=ADA)

    assert exported("--account", str(ADA)) == []
    assert len(exported("--account", str(ADA), "--lag", "0")) == 1


def test_events_are_filtered(long_ago, account):
    """By time, types and account, which may be gone."""
    SecurityEvent.objects.create(type=EventType.EXPORTED, subject=account.pk, created_at=long_ago)
    third = (long_ago + timedelta(seconds=1)).isoformat()

    assert [event["subject"] for event in exported("--account", str(BOB))] == [str(BOB), str(BOB)]
    assert [event["type"] for event in exported("--account", account.email)] == ["account:export"]
    types = ["--type", "account:enable", "--type", "account:disable"]
    assert [event["type"] for event in exported(*types)] == ["account:disable", "account:enable"]
    assert len(exported("--since", third)) == 3
    assert len(exported("--until", third)) == 4


def test_the_export_is_an_event_itself(long_ago):
    """With its actor; it is about no account, so that no holder reads it."""
    exported()
    exported("--account", str(ADA))

    made = SecurityEvent.objects.filter(type="events:export").order_by("created_at")
    assert list(made.values_list("subject", "client", "cause")) == [
        (None, "program:cron", ""),
        (None, "program:cron", f"of {ADA}"),
    ]


def test_an_unknown_account_is_not_found(long_ago):
    """Rather than an empty export; and none is recorded."""
    done = run("events", "export", "--account", "nobody@example.com")

    assert (done.code, done.errors, done.records) == (4, [("NOT_FOUND", "account")], [])
    assert SecurityEvent.objects.count() == 6


@pytest.mark.parametrize(
    "wrong",
    ["--type=account:made:up", "--since=yesterday", "--after=x", "--after=2027-01-01/x", "--limit=-1", "--lag=soon"],
)
def test_a_wrong_call_exports_nothing(long_ago, wrong):
    """And records nothing."""
    with pytest.raises(CommandError):
        call_command("events", "export", wrong)

    assert SecurityEvent.objects.count() == 6
