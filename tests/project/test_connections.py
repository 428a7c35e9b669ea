"""The database has fewer connections than the service has threads, has none, or drops them all: a real server."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from project.postgresql.base import RETRY_AFTER
from tests.api import ME, PASSWORD, REGISTER
from tests.documents import ROOT
from tests.live import UNLIMITED, Live, environment_of_service, fresh_database, serving
from tests.tools import await_that

pytestmark = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="needs PostgreSQL"
)

ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
EVE = {**ADA, "email": "eve@example.com", "username": "eve"}
THREADS = 8


@dataclass(frozen=True)
class Limited:
    """A server whose database user may have so many connections."""

    live: Live
    headers: dict[str, str]
    allow: Callable[[int], None]
    """Change how many; ends those that there are."""

    def me(self) -> tuple[int, Any]:
        """Status and body of `me`."""
        return self.live.post(ME, headers=self.headers)

    def storm(self, size: int) -> list[tuple[int, Any]]:
        """So many times `me` at once, from as many clients as there are threads and more."""
        answers: list[tuple[int, Any]] = []
        clients = [
            threading.Thread(target=lambda: answers.extend(self.me() for _ in range(size // (THREADS + 4))))
            for _ in range(THREADS + 4)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return answers


@contextmanager
def limited(directory: Path) -> Iterator[Limited]:
    """A server that is a database user of its own."""
    url, role = os.environ["DATABASE_URL"], f"latchkey_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'few' IN ROLE CURRENT_USER")

        def allow(connections: int) -> None:
            admin.execute(f'ALTER ROLE "{role}" CONNECTION LIMIT {connections}')
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])

        try:
            with fresh_database(directory, migrated=True) as database:
                own = re.sub(r"//[^@]*@", f"//{role}:few@", database)
                environment = {**UNLIMITED, "WORKERS": "1", "THREADS": str(THREADS), "DATABASE_URL": own}
                with serving(directory, **environment) as live:
                    token = live.post(REGISTER, input=ADA)[1]["data"]["register"]["tokens"]["accessToken"]
                    yield Limited(live, {"Authorization": f"Bearer {token}"}, allow)
        finally:
            admin.execute(f'DROP ROLE "{role}"')


def test_few_connections_serve_many_threads(tmp_path):
    """S92: three connections for eight threads, twelve clients: each waits a little, and none fails."""
    with limited(tmp_path) as service:
        service.allow(3)
        answers = service.storm(120)
        log = service.live.log.read_text()

    assert [status for status, _ in answers] == [200] * 120
    assert all(body["data"]["me"] for _, body in answers)
    assert "Traceback" not in log


def test_without_a_connection_the_answer_is_503_and_one_line(tmp_path):
    """S46, S92: no masked error within a 200, no traceback; and it goes on when there are connections again."""
    with limited(tmp_path) as service:
        service.allow(0)
        before = len(service.live.log.read_text())
        client = http.client.HTTPConnection(service.live.url.removeprefix("http://"))
        headers = {**service.headers, "Content-Type": "application/json"}
        client.request("POST", "/graphql", json.dumps({"query": ME}), headers)
        response = client.getresponse()
        body = json.load(response)
        client.close()
        refused = service.storm(THREADS + 4)
        log = service.live.log.read_text()[before:]

        service.allow(-1)
        time.sleep(RETRY_AFTER)
        after = [service.me() for _ in range(3)]

    assert (response.status, body["errors"][0]["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(response.headers["Retry-After"]) > 0
    assert "data" not in body
    assert [status for status, _ in refused] == [503] * (THREADS + 4)
    assert log.count("django.request: The database is unavailable") == 1 + THREADS + 4
    assert "Traceback" not in log
    assert [status for status, _ in after] == [200] * 3


def test_a_restart_of_the_database_fails_no_later_request(tmp_path):
    """All connections are broken at once; the first that is found broken replaces all."""
    with limited(tmp_path) as service:
        service.storm(THREADS + 4)
        service.allow(-1)
        answers = [service.me() for _ in range(12)]

    assert [status for status, _ in answers] == [200] * 12


def test_a_migration_that_changes_columns_fails_no_later_request(tmp_path):
    """PostgreSQL refuses statements that were prepared before; they are prepared again."""
    with limited(tmp_path) as service:
        service.storm(60)
        with psycopg.connect(service.live.environment["DATABASE_URL"]) as migration:
            migration.execute("ALTER TABLE accounts_account ALTER COLUMN first_name TYPE varchar(200)")
            migration.execute("ALTER TABLE oauth2_provider_accesstoken ALTER COLUMN scope TYPE varchar(900)")
        answers = service.storm(24)
        log = service.live.log.read_text()

    assert [status for status, _ in answers] == [200] * 24
    assert "Traceback" not in log


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_a_changed_column_is_a_failure_to_repeat(prepared):
    """It cannot go on; the service answers 503, and the connection works again after the rollback."""
    with transaction.atomic(), pytest.raises(OperationalError):
        prepared()
    assert prepared() == "x"


@pytest.fixture
def prepared() -> Iterator[Callable[[], str]]:
    """A prepared statement, whose column has changed since."""

    def execute() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM changing")
            return str(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changing AS SELECT 'x'::varchar(10) AS name")
        for _ in range(8):
            execute()
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
            other.execute("ALTER TABLE changing ALTER COLUMN name TYPE varchar(20)")
        yield execute
        cursor.execute("DROP TABLE changing")


def test_a_command_waits_for_a_slow_database():
    """No request waits for it: a database that has to wake first must not fail a deployment."""
    with slow_way_to(os.environ["DATABASE_URL"], seconds=2.5) as url:
        done = command("shell", "--command", QUERY, database=url)

    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["connected"]), done.stderr


def test_a_command_tells_why_it_has_no_database():
    """The pool would only say how long it waited."""
    done = command("shell", "--command", QUERY, database="postgres://postgres@127.0.0.1:1/postgres")

    assert done.returncode
    assert "Connection refused" in done.stderr.partition("django.db.utils.OperationalError")[2]


QUERY = "from django.db import connection; connection.ensure_connection(); print('connected')"


def command(*arguments: str, database: str) -> "subprocess.CompletedProcess[str]":
    """A management command that has ended."""
    environment = environment_of_service(DATABASE_URL=database)
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def slow_way_to(url: str, *, seconds: float) -> Iterator[str]:
    """The URL of a server that connects to the database after some time, one client after the other."""
    host = urlsplit(url)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                time.sleep(seconds)
                server = socket.create_connection((host.hostname, host.port or 5432))
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=forward, args=(source, target), daemon=True).start()

    def forward(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while part := source.recv(2**16):
                target.sendall(part)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        port = listener.getsockname()[1]
        yield host._replace(netloc=f"{host.netloc.rpartition('@')[0]}@127.0.0.1:{port}").geturl()


def test_the_mail_worker_waits_for_connections(tmp_path):
    """It sends the mail when there are connections again."""
    with limited(tmp_path) as service:
        service.allow(0)
        _await(service.live.log, "the mail worker failed")
        service.allow(-1)
        # A process tries again a second after the last failure.
        await_that(lambda: service.live.post(REGISTER, input=EVE)[0] == 200)
        _await(service.live.log, "Mail to eve@example.com")


def _await(log: Path, text: str) -> None:
    for _ in range(300):
        if text in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"{text!r} is not in {log.read_text()}")
