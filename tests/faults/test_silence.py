"""PostgreSQL that keeps its connections and says nothing: a lock that is not given back, and a machine that stands."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api import ME, REFRESH, REGISTER
from tests.faults import rig
from tests.faults.conftest import Site, pooled
from tests.faults.people import person

AWAY = HTTPStatus.SERVICE_UNAVAILABLE
CONFIG = "{ authConfig { __typename } }"
PATIENCE = 20
"""Seconds within which every request must be answered: a statement may take 10, and silence 15."""


def processes(database: rig.Postgres) -> list[int]:
    """The server's process, and all that it has started."""
    main = int((database.directory / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [main, *map(int, children)]


@contextmanager
def standing(database: rig.Postgres) -> Iterator[None]:
    """The kernel accepts connections and data within the block, and nobody answers: as a disk or machine that hangs."""
    stopped = processes(database)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


def test_a_lock_that_somebody_keeps_is_not_waited_for(site: Site):
    """S92: 503 after some seconds, and the request holds no lock itself then. The session lives on."""
    tokens = rig.ask(site.instance, REGISTER, input=person()).data["register"]["tokens"]
    refresh = {"refreshToken": tokens["refreshToken"]}
    with psycopg.connect(site.database.url) as idle:
        idle.execute("LOCK TABLE accounts_session IN EXCLUSIVE MODE")
        began = time.monotonic()
        with ThreadPoolExecutor(8) as crowd:
            refused = list(crowd.map(lambda _: rig.ask(site.instance, REFRESH, input=refresh).status, range(8)))
        took = time.monotonic() - began
        waiting = site.database.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    refreshed = rig.ask(site.instance, REFRESH, input=refresh)

    assert refused == [AWAY] * 8
    assert took < PATIENCE
    assert waiting == [(0,)]
    assert refreshed.data["refreshToken"]["errors"] == []


def test_a_database_that_stands_still_holds_threads_for_seconds(site: Site):
    """S92: 503, then only one request a second waits; what needs no database is answered; then all goes on."""
    tokens = rig.ask(site.instance, REGISTER, input=person()).data["register"]["tokens"]
    token = tokens["accessToken"]
    # So that the pool has a connection for each thread.
    list(ThreadPoolExecutor(8).map(lambda _: rig.ask(site.instance, ME, token=token), range(16)))
    with standing(site.database):
        began = time.monotonic()
        with ThreadPoolExecutor(16) as crowd:
            refused = list(crowd.map(lambda _: rig.ask(site.instance, ME, token=token).status, range(16)))
        took = time.monotonic() - began
        probes = rig.probe(site.instance.port, "/healthz"), rig.probe(site.instance.port, "/readyz")
        config = rig.ask(site.instance, CONFIG).status
    rig.until("right again", lambda: rig.ask(site.instance, ME, token=token).status == HTTPStatus.OK, seconds=10)
    refreshed = rig.ask(site.instance, REFRESH, input={"refreshToken": tokens["refreshToken"]})

    assert set(refused) == {AWAY}
    assert took < PATIENCE
    assert probes == (HTTPStatus.OK, AWAY)
    assert config == HTTPStatus.OK
    assert refreshed.data["refreshToken"]["errors"] == []


def limits(wrapper: Any) -> list[str]:
    """What PostgreSQL says of the session."""
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    with wrapper.cursor() as cursor:
        return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in names]


@pytest.mark.django_db
def test_what_a_vanished_machine_has_locked_is_free_soon():
    """It lost power in a transaction: PostgreSQL would look for it after two hours only."""
    with pooled() as wrapper:
        assert limits(wrapper) == ["5s", "10s", "30s"]


@pytest.mark.django_db
def test_limits_of_the_operator_are_kept():
    """Of the role, or in DATABASE_URL."""
    with pooled() as wrapper:
        wrapper.settings_dict["OPTIONS"]["options"] = "-c statement_timeout=60s"
        assert limits(wrapper) == ["5s", "1min", "30s"]


@pytest.mark.django_db
def test_sessions_of_a_pooler_between_transactions_are_left_alone():
    """Whatever came next would have them, such as a migration."""
    with pooled(DISABLE_SERVER_SIDE_CURSORS=True) as wrapper:
        assert limits(wrapper) == ["0", "0", "0"]
