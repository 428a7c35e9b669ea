"""gunicorn as production starts it, and what stands between it and its database."""

import contextlib
import json
import os
import select
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.live import ROOT, environment_of_service, free_port, fresh_database
from tests.tools import await_that
from tests.wire import Reply, message, send

PRODUCTION = {
    "LATCHKEY_ENV": "production",
    "ALLOWED_HOSTS": "api.example.com",
    "EMAIL_URL": "smtp://127.0.0.1:9",
    "MAIL_WORKER": "false",
    "SHUTDOWN_DELAY": "0",
}
OVER_TLS = {"Host": "api.example.com", "X-Forwarded-Proto": "https"}
"""What a proxy that terminates TLS sends, for a service with BEHIND_TLS_PROXY."""
QUERY = b'{"query": "{ __typename }"}'


@dataclass(frozen=True)
class Service:
    """A running gunicorn."""

    url: str
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    log: Path

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Reply:
        """A request by address, as probes send it."""
        return send(self.url, message(method, path, **{"Host": urlsplit(self.url).netloc, **headers}))

    def probe(self, path: str = "/readyz") -> tuple[int, Any]:
        """Status and content of the response to a probe."""
        reply = self.get(path)
        return reply.status, json.loads(reply.body)

    def ask(self) -> int:
        """The status of an operation, asked over a connection of its own."""
        return send(self.url, operation()).status

    def connect(self) -> socket.socket:
        """A connection."""
        address = urlsplit(self.url)
        return socket.create_connection((str(address.hostname), address.port or 80), 30)

    def workers(self) -> list[int]:
        """The processes of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def execute(self, statement: str) -> None:
        """Run a statement against the service's database."""
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
                database.execute(statement)
            return
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


def operation(**headers: str) -> bytes:
    """A request that runs an operation."""
    return message("POST", "/graphql", QUERY, **{"Content-Type": "application/json", **OVER_TLS, **headers})


@contextlib.contextmanager
def started(directory: Path, **environment: str) -> Iterator[Service]:
    """`gunicorn --config python:project.gunicorn project.wsgi` in production, on a migrated database."""
    port = environment.get("PORT") or str(free_port())
    with fresh_database(directory, migrated=True) as database:
        values = {
            **PRODUCTION,
            "DATABASE_URL": database,
            "CACHE_URL": os.environ.get("CACHE_URL", f"filecache://{directory / 'cache'}"),
            "PORT": port,
            "BEHIND_TLS_PROXY": "true",
            "TRUSTED_PROXIES": "127.0.0.1",
            **environment,
        }
        values["DATABASE_URL"] = values["DATABASE_URL"].replace("<DATABASE>", database.rpartition("/")[2])
        with running(directory / "server.log", environment_of_service(**values)) as service:
            yield service


@contextlib.contextmanager
def running(log: Path, environment: dict[str, str]) -> Iterator[Service]:
    """Run gunicorn with this environment until the block ends."""
    command = [sys.executable, "-m", "gunicorn", "--config", "python:project.gunicorn", "project.wsgi"]
    with (
        log.open("a") as output,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            await_that(lambda: process.poll() is not None or "Booting worker" in log.read_text(), seconds=60)
            assert process.poll() is None, log.read_text()
            yield Service(f"http://127.0.0.1:{environment['PORT']}", process, environment, log)
        finally:
            process.terminate()


class Relay:
    """Passes connections on to a server, until it hangs: then it takes connections and data, and passes nothing on."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._flowing = threading.Event()
        self._flowing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """Pass nothing on."""
        self._flowing.clear()

    def go_on(self) -> None:
        """Pass on what has come, and what will come."""
        self._flowing.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=[client], daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._target) as server:
            other = {client: server, server: client}
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    self._flowing.wait()
                    other[ready].sendall(data)

    def close(self) -> None:
        """Take no more connections."""
        self._flowing.set()
        self._listener.close()
