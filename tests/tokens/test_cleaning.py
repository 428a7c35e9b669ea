"""Clean-up deletes what DOT's own deletes, a slice at a time, and waits for nobody (S17, S18)."""

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider import models as dot

from accounts.conf import latchkey
from accounts.shared import sweeping
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.families import live
from accounts.tokens.models import Session
from tests.api import REFRESH
from tests.factories import make_account, make_client

pytestmark = pytest.mark.django_db

Grant, IDToken = dot.get_grant_model(), dot.get_id_token_model()
MODELS = [AccessToken, RefreshToken, IDToken, Grant, Session]
SECOND = timedelta(seconds=1)


class Rows:
    """Makes rows of one account and client."""

    def __init__(self) -> None:
        self.owner = {"user": make_account(), "application": make_client()[0]}

    def access(self, expires: datetime, **fields: Any) -> Any:
        """An access token."""
        digest = uuid.uuid4().hex
        return AccessToken.objects.create(**self.owner, token_checksum=digest, expires=expires, **fields)

    def refresh(self, **fields: Any) -> Any:
        """A refresh token."""
        digest = uuid.uuid4().hex
        return RefreshToken.objects.create(**self.owner, token_checksum=digest, token_family=uuid.uuid4(), **fields)

    def id_token(self, expires: datetime) -> Any:
        """An ID token."""
        return IDToken.objects.create(**self.owner, expires=expires)

    def grant(self, expires: datetime) -> Any:
        """An authorization code."""
        return Grant.objects.create(**self.owner, code=uuid.uuid4().hex, expires=expires)

    def session(self, **times: datetime) -> Any:
        """A session without tokens."""
        account, client = self.owner["user"], self.owner["application"]
        return Session.objects.create(token_family=uuid.uuid4(), account=account, client=client, **times)


@pytest.fixture
def rows(db) -> Rows:
    """Of one account."""
    return Rows()


@pytest.fixture
def now():
    """The time stands still, so that the edges of all rules can be hit."""
    with time_machine.travel(datetime(2026, 11, 1, 12, tzinfo=timezone.get_default_timezone()), tick=False):
        yield timezone.now()


def idle() -> timedelta:
    """How long a refresh token lives without use."""
    return timedelta(seconds=latchkey().refresh_token_idle_lifetime)


def every_kind(rows: Rows, now: datetime) -> None:
    """Each state that the columns can have, beside each edge, whether it comes about or not."""
    around = [now - idle() - SECOND, now - idle(), now - idle() + SECOND, now - SECOND, now, now + SECOND]
    for revoked, expires, successor in itertools.product([None, *around[:5]], [None, *around], [None, *around]):
        token = rows.refresh(revoked=revoked, access_token=expires and rows.access(expires))
        if successor:
            bound = rows.access(successor, source_refresh_token=token)
            if successor is around[3]:
                rows.refresh(access_token=bound)
    for expires, of_id_token, bound in itertools.product(around, [None, *around], [True, False]):
        token = rows.access(expires, id_token=of_id_token and rows.id_token(of_id_token))
        if bound:
            rows.refresh(access_token=token)
        rows.id_token(expires)
        rows.grant(expires)
    lifetime = timedelta(seconds=latchkey().access_token_lifetime)
    for used, expires in itertools.product([at - lifetime for at in around], around):
        rows.session(last_used_at=used, expires_at=expires)


def clear_expired() -> int:
    """The number of sessions."""
    return {kind: clear() for kind, clear in bearer_tokens.CLEARING.items()}["sessions"]


def left() -> dict:
    """All that is in the tables, with what refers to each other."""
    return {model: list(model.objects.order_by("pk").values()) for model in MODELS}


def as_dot() -> tuple[dict, int]:
    """What DOT's clean-up and our rule for sessions leave, and the number of sessions; it is rolled back."""
    with transaction.atomic():
        dot.clear_expired()
        ended, _per_model = Session.objects.exclude(live()).delete()
        rest = left()
        transaction.set_rollback(True)
    return rest, ended


@pytest.mark.parametrize("size", [7, 1000])
def test_it_leaves_what_dots_own_clean_up_leaves(rows, now, monkeypatch, size):
    """Rows and references, and the number that it prints, however the slices fall."""
    monkeypatch.setattr(sweeping, "SLICE", size)
    every_kind(rows, now)
    before = left()
    expected, ended = as_dot()
    assert left() == before
    assert all(0 < len(expected[model]) < len(before[model]) for model in MODELS)

    assert clear_expired() == ended

    assert left() == expected


def test_a_second_run_finds_nothing_to_write(rows, now):
    """On SQLite each transaction would take the lock on the whole database."""
    every_kind(rows, now)
    clear_expired()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert clear_expired() == 0

    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


def number_of_statements(rows: Rows, now: datetime, number: int) -> int:
    """How many a run takes with so many dead tokens of each kind."""
    for _ in range(number):
        rows.refresh(revoked=now - idle())
        rows.refresh(access_token=rows.access(now - idle()))
    with CaptureQueriesContext(connection) as queries:
        clear_expired()
    assert not RefreshToken.objects.exists()
    return len(queries)


def test_statements_grow_with_slices_alone(rows, now, monkeypatch):
    """None is for a single row, none counts the rows that are left."""
    monkeypatch.setattr(sweeping, "SLICE", 5)
    first, second, third = (number_of_statements(rows, now, number) for number in (10, 20, 30))

    assert 0 < second - first == third - second


def test_what_a_stopped_run_deleted_stays_deleted(rows, now, monkeypatch):
    """Each slice has a transaction of its own; the next run goes on."""
    monkeypatch.setattr(sweeping, "SLICE", 3)
    for _ in range(10):
        rows.refresh(revoked=now - idle())
    monkeypatch.setattr(sweeping.time, "sleep", mock.Mock(side_effect=[None, None, KeyboardInterrupt]))

    with pytest.raises(KeyboardInterrupt):
        clear_expired()
    assert RefreshToken.objects.count() == 1

    monkeypatch.setattr(sweeping.time, "sleep", lambda _seconds: None)
    clear_expired()
    assert not RefreshToken.objects.exists()


def test_it_rests_as_long_as_it_works(rows, monkeypatch):
    """Others find the database free for half of the time."""
    clock = itertools.count(0, 5)
    monkeypatch.setattr(sweeping.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(sweeping, "SLICE", 1)
    rests: list[float] = []
    monkeypatch.setattr(sweeping.time, "sleep", rests.append)
    rows.grant(timezone.now())
    rows.grant(timezone.now())

    clear_expired()

    assert rests == [5]


def test_a_short_table_of_access_tokens_makes_no_long_transaction(rows, now, monkeypatch):
    """Refresh tokens without one are not part of its slices, however many there are."""
    monkeypatch.setattr(sweeping, "SLICE", 3)
    for _ in range(9):
        rows.refresh(revoked=now - idle())
    with CaptureQueriesContext(connection) as queries:
        clear_expired()

    assert len([query for query in queries if query["sql"].startswith("DELETE")]) == 3


def test_a_session_that_lives_on_keeps_the_tokens_it_traded(graphql, signed_in):
    """S17: a replay of one ends the session as long as nobody could have waited longer with it."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        tokens = [signed_in.refresh_token]
        for _ in range(3):
            clock.shift(idle() / 2 - timedelta(minutes=1))
            call_command("clear_expired", verbosity=0)
            payload = graphql(REFRESH, input={"refreshToken": tokens[-1]}).data["refreshToken"]
            tokens.append(payload["tokens"]["refreshToken"])
        call_command("clear_expired", verbosity=0)
        assert RefreshToken.objects.filter(revoked__isnull=False).count() == 3

        refused = graphql(REFRESH, input={"refreshToken": tokens[0]}).data["refreshToken"]

    assert refused["errors"][0]["code"] == "INVALID_GRANT"
    assert not Session.objects.exists()


def plan(sql: str) -> str:
    """How PostgreSQL executes it where it reads no whole table if it can help it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="EXPLAIN differs")
def test_each_statement_has_an_index(rows, now, monkeypatch):
    """No slice reads a table from one end to the other."""
    monkeypatch.setattr(sweeping, "SLICE", 10)
    every_kind(rows, now)
    with CaptureQueriesContext(connection) as queries:
        clear_expired()

    statements = [query["sql"] for query in queries if query["sql"].startswith(("SELECT", "UPDATE", "DELETE"))]
    assert {sql.split()[0] for sql in statements} == {"SELECT", "UPDATE", "DELETE"}
    for sql in statements:
        found = plan(sql)
        assert "Seq Scan" not in found, sql
        # The first slice begins where the table begins; its end is the eleventh row.
        assert "Index Cond" in found or "OFFSET 10" in sql, sql


def run() -> int:
    """A clean-up in another thread."""
    try:
        return clear_expired()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite locks the whole database")
@pytest.mark.parametrize("held", [AccessToken, RefreshToken, IDToken, Grant, Session])
def test_rows_that_somebody_holds_are_left_for_the_next_run(held):
    """It never waits, so it can be part of no deadlock: here the holder waits for the end of the clean-up."""
    rows, now = Rows(), timezone.now()
    old = rows.refresh(revoked=now - idle())
    rows.access(now - SECOND, source_refresh_token=old)
    rows.refresh(access_token=rows.access(now - idle()))
    rows.id_token(now - SECOND)
    rows.grant(now - SECOND)
    rows.session(expires_at=now)

    with ThreadPoolExecutor() as pool, transaction.atomic():
        held_rows = list(held.objects.select_for_update().order_by("pk").values("pk"))
        number = pool.submit(run).result(timeout=20)

    assert number == (0 if held is Session else 1)
    assert list(held.objects.order_by("pk").values("pk")) == held_rows
    clear_expired()
    assert not any(model.objects.exists() for model in MODELS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite locks the whole database")
def test_two_runs_at_once_share_the_work(monkeypatch):
    """Neither fails, and nothing is left."""
    monkeypatch.setattr(sweeping, "SLICE", 5)
    rows, now = Rows(), timezone.now()
    for _ in range(50):
        old = rows.refresh(revoked=now - idle())
        rows.refresh(access_token=rows.access(now - idle(), source_refresh_token=old))
        rows.session(expires_at=now)
    with ThreadPoolExecutor() as pool:
        numbers = [future.result() for future in [pool.submit(run), pool.submit(run)]]

    assert sum(numbers) == 50
    assert not any(model.objects.exists() for model in MODELS)
