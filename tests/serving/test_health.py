"""`/healthz` and `/readyz` for probes, over a real server."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from project.health import Check, Outcome
from tests.live import ROOT
from tests.redis_server import redis_server
from tests.serving.servers import Relay, Service, started
from tests.tools import await_that, missing
from tests.wire import message, send

ALL = {"database": "ok", "migrations": "ok", "cache": "ok"}
on_postgresql = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="needs PostgreSQL"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    """Production below a path, which trusts no proxy."""
    with started(tmp_path_factory.mktemp("live"), SCRIPT_NAME="/auth", BEHIND_TLS_PROXY="false") as running:
        yield running


@pytest.mark.parametrize("prefix", ["", "/auth"])
def test_a_probe_by_address_and_without_tls_is_answered(service, prefix):
    """Below the path of the service too; any other request is redirected to https, or refused for its Host."""
    assert service.probe(f"{prefix}/healthz") == (200, {"status": "ok"})
    assert service.probe(f"{prefix}/readyz") == (200, {"status": "ok", "checks": ALL})
    assert service.get(f"{prefix}/graphql").status in {301, 400}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_no_probe_is_answered_from_a_cache(service, path):
    """And browsers do not guess its type."""
    headers = service.get(path).headers

    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_be_a_head(service, path):
    """Some load balancers send nothing else."""
    reply = service.get(path, method="HEAD")

    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_a_probe_is_read_only(service, method):
    """RFC 9110 §15.5.6."""
    reply = service.get("/readyz", method=method)

    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/x", "/authreadyz", "/x/healthz", "//healthz"])
def test_no_other_address_is_a_probe(service, path):
    """They go the way of all requests."""
    assert service.get(path).status in {301, 400}


def test_the_service_listens_on_ipv6_and_on_ipv4(tmp_path):
    """Where the machine has both: Kubernetes may probe by either."""
    if not Path("/proc/net/if_inet6").exists():
        missing("this machine has no IPv6")
    with started(tmp_path, HOST="::") as service:
        port = service.environment["PORT"]
        assert send(f"http://[::1]:{port}", message("GET", "/readyz", Host=f"[::1]:{port}")).status == 200
        assert send(f"http://127.0.0.1:{port}", message("GET", "/readyz")).status == 200


def test_a_service_with_a_migration_that_is_not_applied_is_not_ready(tmp_path):
    """A newer release's migrations do not matter: it runs beside this one for a while. Once ready, no more is read."""
    with started(tmp_path) as service:
        service.execute(RENAME)
        before = service.probe()
        service.execute(INSERT)
        await_that(lambda: service.probe()[0] == 200)
        after = service.probe()

    assert before == (503, {"status": "failed", "checks": {**ALL, "migrations": "failed"}})
    assert after == (200, {"status": "ok", "checks": ALL})


LAST = max(path.stem for path in (ROOT / "accounts" / "migrations").glob("0*.py"))
RENAME = f"UPDATE django_migrations SET name = '9999_newer' WHERE name = '{LAST}'"  # noqa: S608 - our own file's name
INSERT = f"INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '{LAST}', '2026-01-01')"  # noqa: S608 - likewise


@pytest.mark.parametrize("end", ["stop", "hang"])
def test_without_redis_the_service_is_degraded_and_ready(tmp_path, end):
    """It works without, so that a Redis that is away must not take all processes out of the load balancer."""
    with redis_server(tmp_path) as redis, started(tmp_path, CACHE_URL=f"redis://127.0.0.1:{redis.port}/0") as service:
        assert service.probe() == (200, {"status": "ok", "checks": ALL})
        getattr(redis, end)()
        await_that(lambda: service.probe()[1]["status"] == "degraded")
        status, body = service.probe()

    assert status == 200
    assert body["checks"]["cache"] in {"failed", "timeout"}


@pytest.fixture
def behind_relay(tmp_path) -> Iterator[tuple[Service, Relay]]:
    """A service whose database can hang."""
    url = urlsplit(os.environ["DATABASE_URL"])
    relay = Relay(str(url.hostname), url.port or 5432)
    database = url._replace(netloc=f"{url.username}@127.0.0.1:{relay.port}", path="/<DATABASE>").geturl()
    with started(tmp_path, DATABASE_URL=database) as service:
        yield service, relay
    relay.close()


@on_postgresql
def test_probes_of_a_database_that_hangs_hold_no_more_than_a_thread_each(behind_relay):
    """S92: it takes connections and never answers. The process stays alive, and is ready again when it goes on."""
    service, relay = behind_relay
    assert service.probe() == (200, {"status": "ok", "checks": ALL})
    (worker,) = service.workers()
    threads = len(list(Path(f"/proc/{worker}/task").iterdir()))

    relay.hang()
    await_that(lambda: service.probe()[0] == 503)
    with ThreadPoolExecutor(30) as clients:
        began = time.monotonic()
        answers = list(clients.map(lambda _: service.probe(), range(90)))
        took = time.monotonic() - began
    alive = service.probe("/healthz")
    more = len(list(Path(f"/proc/{worker}/task").iterdir())) - threads
    relay.go_on()
    await_that(lambda: service.probe()[0] == 200)

    assert {status for status, _ in answers} == {503}
    assert {body["checks"]["database"] for _, body in answers} <= {"timeout", "failed"}
    assert alive == (200, {"status": "ok"})
    assert more <= 2 + 7  # the two checks of each round; threads that gunicorn starts when it needs them
    assert took < 20


@on_postgresql
def test_probes_hold_no_connections(behind_relay):
    """S92: however many come, the pool keeps its size."""
    service, _ = behind_relay
    with ThreadPoolExecutor(30) as clients:
        answers = list(clients.map(lambda _: service.probe()[0], range(200)))
    with psycopg.connect(os.environ["DATABASE_URL"]) as admin:
        name = service.environment["DATABASE_URL"].rpartition("/")[2]
        count = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()

    assert set(answers) == {200}
    assert count[0] <= 3


def test_a_check_runs_once_however_many_ask():
    """Within a second."""
    runs = []
    check = Check("x", lambda: runs.append(1) or True, limit=5)

    def ask(_: int) -> Outcome:
        check.begin()
        return check.outcome()

    with ThreadPoolExecutor(16) as callers:
        outcomes = set(callers.map(ask, range(500)))

    assert outcomes == {Outcome.OK}
    assert len(runs) <= 3


def test_while_a_check_is_slow_one_caller_waits():
    """The others get the previous result at once, so that slow checks do not hold the threads of requests."""
    answer = threading.Event()
    check = Check("x", lambda: answer.wait(30), limit=20)
    answer.set()
    check.begin()
    assert check.outcome() is Outcome.OK
    answer.clear()
    time.sleep(1.1)

    check.begin()
    waiting = threading.Thread(target=check.outcome)
    waiting.start()
    await_that(lambda: check._somebody_waits)
    began = time.monotonic()
    others = [check.outcome() for _ in range(20)]
    took = time.monotonic() - began
    answer.set()
    waiting.join()

    assert set(others) == {Outcome.OK}
    assert took < 5


def test_a_check_that_takes_too_long_has_timed_out():
    """And it counts as that until its thread is done."""
    answer = threading.Event()
    check = Check("x", lambda: answer.wait(30), limit=0.2)
    outcomes = []
    for _ in range(3):
        check.begin()
        outcomes.append(check.outcome())
    answer.set()
    await_that(lambda: check._started_at is None)

    assert outcomes == [Outcome.TIMEOUT] * 3
    assert check.outcome() is Outcome.TIMEOUT


def test_a_lasting_check_is_not_repeated_once_it_has_succeeded():
    """Migrations do not vanish."""
    results = iter([False, True])
    check = Check("x", lambda: next(results), limit=5, lasting=True)
    outcomes = []
    for _ in range(3):
        check.begin()
        outcomes.append(check.outcome())
        time.sleep(1.1)

    assert outcomes == [Outcome.FAILED, Outcome.OK, Outcome.OK]
