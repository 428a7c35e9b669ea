"""Several replicas that start together all call `migrate`: one does the work, and none fails."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.live import ROOT, environment_of_service, free_port, fresh_database, postgresql_database, serving
from tests.tools import program

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is for one process")

AT_ONCE = 4
DEADLINE = 60
"""Seconds until a process counts as stuck."""
INDEX = "account_active_newest_first"
WAITING = "Another process is migrating this database. Waiting for it."


def migrate(url: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that migrates the database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", *arguments],
        cwd=ROOT,
        env=environment_of_service(DATABASE_URL=url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code of a process, and what it wrote."""
    try:
        output, errors = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, output + errors


def first_error(process: "subprocess.Popen[str]") -> str:
    """The first line that a process complains with; empty if it does not."""
    assert process.stderr
    return process.stderr.readline() if select.select([process.stderr], [], [], DEADLINE)[0] else ""


def validity(url: str) -> bool | None:
    """Whether PostgreSQL uses the index of 0011; None if it does not exist."""
    with psycopg.connect(url) as database:
        row = database.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [f"public.{INDEX}"]
        ).fetchone()
    return row[0] if row else None


@contextmanager
def building_index(url: str) -> Iterator[tuple["subprocess.Popen[str]", psycopg.Connection]]:
    """A process in the middle of CREATE INDEX CONCURRENTLY, held there by an older snapshot of another connection."""
    with psycopg.connect(url) as old, psycopg.connect(url, autocommit=True) as watch:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("SELECT count(*) FROM accounts_account")
        process = migrate(url)
        try:
            await_row(watch, "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s)", f"public.{INDEX}")
            yield process, old
        finally:
            if process.poll() is None:
                old.rollback()
                ended(process)


def await_row(database: psycopg.Connection, query: str, *values: object) -> None:
    """Return once the query finds something."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if database.execute(query, values).fetchone():
            return
        time.sleep(0.05)
    pytest.fail(f"nothing found: {query}")


@pytest.fixture(scope="module")
def before_the_index(tmp_path_factory) -> Iterator[str]:
    """A database to copy: 0011, which builds an index, is not applied."""
    with fresh_database(tmp_path_factory.mktemp("before"), migrated=True) as url:
        assert ended(migrate(url, "accounts", "0010")) == (0, "")
        yield url


@pytest.fixture
def url(before_the_index) -> Iterator[str]:
    """A database of the test's own, before 0011."""
    with postgresql_database(before_the_index) as own:
        yield own


def test_four_that_migrate_at_once_all_succeed(url):
    """One builds the index, the others wait without disturbing it, say so, and then find nothing left to do."""
    with building_index(url) as (first, old):
        others = [migrate(url) for _ in range(AT_ONCE - 1)]
        told = [first_error(other) for other in others]
        # Several times the pause between two attempts.
        time.sleep(1)
        running = [process.poll() for process in (first, *others)]
        old.rollback()
        outcomes = [ended(process) for process in (first, *others)]

    assert told == [f"{WAITING}\n"] * (AT_ONCE - 1)
    assert running == [None] * AT_ONCE
    assert outcomes == [(0, "")] * AT_ONCE
    assert validity(url)


def test_what_only_looks_does_not_wait(url):
    """A probe that asks `migrate --check` is answered during a migration."""
    with building_index(url) as (first, _):
        assert ended(migrate(url, "--check"))[0] == 1
        assert first.poll() is None


def test_an_index_whose_session_was_ended_half_way_is_built_at_the_next_attempt(url):
    """As when the database fails over: the process fails, its lock is free, and the invalid index is replaced."""
    with building_index(url) as (process, old):
        old.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'"
        )
        assert ended(process)[0] != 0
    assert validity(url) is False

    assert ended(migrate(url)) == (0, "")
    assert validity(url) is True


def test_a_killed_process_leaves_no_lock(url):
    """The next one does not wait."""
    with building_index(url) as (process, old):
        process.kill()
        ended(process)
        old.rollback()
        outcome = ended(migrate(url))

    assert outcome == (0, "")
    assert validity(url)


def test_behind_a_pooler_between_transactions_they_take_turns_as_well(url, tmp_path):
    """PgBouncer in transaction mode: the lock is a transaction's, so it stays with its session and ends with it."""
    with pgbouncer(tmp_path, url) as pooled:
        outcomes = [ended(process) for process in [migrate(pooled), migrate(pooled)]]

        assert [code for code, _ in outcomes] == [0, 0], outcomes
        assert validity(url)


@contextmanager
def pgbouncer(directory: Path, url: str) -> Iterator[str]:
    """The database's URL through a PgBouncer of its own, in transaction mode."""
    server = psycopg.conninfo.conninfo_to_dict(url)
    port = free_port()
    lines = [
        "[databases]",
        "* = " + " ".join(f"{key}={value}" for key, value in server.items() if key != "dbname"),
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "pool_mode = transaction",
        "auth_type = any",
        # It refuses to run as root.
        *(["user = nobody"] if os.geteuid() == 0 else []),
    ]
    configuration = directory / "pgbouncer.ini"
    configuration.write_text("\n".join(lines))
    with subprocess.Popen([program("pgbouncer"), "--quiet", str(configuration)]) as process:
        try:
            await_port(port)
            yield f"postgres://127.0.0.1:{port}/{server['dbname']}?prepare_threshold=none"
        finally:
            process.terminate()


def await_port(port: int) -> None:
    """Return once somebody listens."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    pytest.fail(f"nobody listens on {port}")


def test_four_instances_that_start_at_once_all_serve(tmp_path):
    """`project.serve` migrates an empty database and provisions the default client: each of them answers."""
    directories = [tmp_path / str(number) for number in range(AT_ONCE)]
    for directory in directories:
        directory.mkdir()
    with fresh_database(tmp_path) as url, ExitStack() as stack:
        lives = [stack.enter_context(serving(directory, DATABASE_URL=url)) for directory in directories]

        assert [live.post("{ __typename }")[0] for live in lives] == [200] * AT_ONCE
