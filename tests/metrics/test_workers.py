"""Metrics of a real server with several worker processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import ROOT, environment_of_service, serving
from tests.metrics.scraping import OPENED, scrape
from tests.tools import await_that

REQUESTS = "latchkey_graphql_requests_total"


def workers_of(master):
    """The ids of the worker processes."""
    children = Path(f"/proc/{master}/task/{master}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(child) for child in children.read_text().split()]


@contextmanager
def paused(pid):
    """A worker that answers nothing until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    """The folder for temporary files of the server."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def live(tmp_path_factory, temporary):
    """A server with two workers."""
    with serving(tmp_path_factory.mktemp("live"), WORKERS="2", TMPDIR=str(temporary), **OPENED) as live:
        await_that(lambda: len(workers_of(live.pid)) == 2)
        yield live
    assert [*temporary.glob("latchkey-metrics-*")] == []


def counted(live):
    """How many requests of one kind the metrics know of."""
    return scrape(live).value(REQUESTS, operation="introspection", outcome="ok") or 0


def test_a_scrape_tells_what_all_workers_did_whichever_answers(live):
    """Each worker answers while the other cannot."""
    before = counted(live)
    first, second = workers_of(live.pid)
    with paused(first):
        assert [live.post("{ __typename }")[0] for _ in range(3)] == [200] * 3
        seen_by_second = counted(live)
    with paused(second):
        assert [live.post("{ __typename }")[0] for _ in range(4)] == [200] * 4
        seen_by_first = counted(live)
    with paused(first):
        again_by_second = counted(live)

    assert (seen_by_second - before, seen_by_first - before, again_by_second - before) == (3, 7, 7)


def test_what_a_killed_worker_counted_is_not_lost_and_its_gauges_are(live):
    """Another takes its place; their number is that of the living."""
    await_that(lambda: scrape(live).value("latchkey_workers") == 2)
    for _ in range(8):
        live.post("{ __typename }")
    before, killed = counted(live), workers_of(live.pid)

    for pid in killed:
        os.kill(pid, signal.SIGKILL)
        await_that(lambda pid=pid: pid not in workers_of(live.pid) and len(workers_of(live.pid)) == 2)

    assert set(workers_of(live.pid)) & set(killed) == set()
    assert counted(live) == before > 0
    await_that(lambda: scrape(live).value("latchkey_workers") == 2)


def test_workers_tell_how_they_do(live):
    """Memory and processor time of all, and the age of the youngest."""
    await_that(lambda: scrape(live).value("latchkey_process_resident_memory_bytes"))
    scraped = scrape(live)

    assert scraped.value("latchkey_process_resident_memory_bytes") > 2 * 30e6
    assert scraped.value("latchkey_process_cpu_seconds_total") > 0
    assert scraped.value("latchkey_process_open_fds") > 3
    assert 0 <= time.time() - scraped.value("latchkey_worker_start_time_seconds") < 600


def test_the_pool_of_connections_is_that_of_all_workers(live):
    """Each worker has a pool of nine."""
    if "postgres" not in live.environment["DATABASE_URL"]:
        pytest.skip("SQLite has no pool")
    await_that(lambda: scrape(live).value("latchkey_database_pool_max_connections") == 2 * 9)

    await_that(lambda: scrape(live).value("latchkey_database_pool_waiting_requests") == 0)
    assert 1 <= scrape(live).value("latchkey_database_pool_connections") <= 2 * 9


def test_a_command_leaves_no_files(tmp_path):
    """Even where the service can be scraped: its folder for temporary files may be read-only."""
    environment = environment_of_service(**OPENED, TMPDIR=str(tmp_path), DATABASE_URL="sqlite://:memory:")

    subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, check=True, capture_output=True)

    assert [*tmp_path.iterdir()] == []
