"""The table of events works in partitions, as docs/guard.md makes them (PostgreSQL)."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from tests.documents import ROOT, blocks

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no partitions"),
]


@pytest.fixture
def partitioned(db) -> Iterator[None]:
    """What the page says, in the test's transaction, in the month before its first partition; an event is there."""
    (block,) = [block for block in blocks(ROOT / "docs/guard.md") if block.language == "sql"]
    statements = block.text.removeprefix("BEGIN;").replace("COMMIT;", "")
    with time_machine.travel(datetime(2026, 12, 15, tzinfo=UTC), tick=False):
        events.record(EventType.LINKED, subject=uuid.uuid4())
        with connection.cursor() as cursor:
            cursor.execute(statements)
        yield


def test_events_are_recorded_in_their_partition(partitioned):
    """Single ones, many, and failures, which are counted there."""
    with time_machine.travel(datetime(2027, 1, 15, tzinfo=UTC), tick=False):
        subject = uuid.uuid4()
        events.record(EventType.LINKED, subject=subject)
        events.record_each(EventType.DISABLED, [subject])
        for _ in range(3):
            events.record_failure(EventType.SIGN_IN_FAILED, subject=subject, cause="INVALID_CREDENTIALS")

    with connection.cursor() as cursor:
        cursor.execute("SELECT type, count FROM accounts_securityevent_2027_01 ORDER BY count, type")
        assert cursor.fetchall() == [("account:disable", 1), ("social:link", 1), ("account:login:failure", 3)]
    assert SecurityEvent.objects.count() == 4
    assert sorted(event.count for event in events.of_account(subject)) == [1, 1, 3]


def test_old_events_are_deleted_from_partitions(partitioned):
    """If one does not drop them."""
    SecurityEvent.objects.create(type=EventType.LINKED, created_at=timezone.now() - timedelta(days=400))

    assert events.clear_expired(older_than=timedelta(days=365)) == 1
    assert SecurityEvent.objects.count() == 1


def test_a_page_reads_its_order_from_the_indexes(partitioned):
    """Partition by partition, without sorting."""
    subject = uuid.uuid4()
    SecurityEvent.objects.bulk_create(
        SecurityEvent(type=EventType.LINKED, subject=uuid.uuid4() if n % 10 else subject) for n in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_securityevent")

    plan = events.of_account(subject)[:21].explain()

    assert "Index" in plan
    assert "Seq Scan" not in plan
