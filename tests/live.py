"""A real server process with a database of its own, of the kind that DATABASE_URL names."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Live:
    """Where the server listens, and the environment it runs in."""

    url: str
    environment: dict[str, str]
    log: Path
    pid: int

    def post(self, query: str, *, headers: dict[str, str] | None = None, **variables: Any) -> tuple[int, Any]:
        """Status and body of an operation."""
        request = Request(
            f"{self.url}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def manage(self, *arguments: str) -> str:
        """Run manage.py against the server's database."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def fresh_database(directory: Path) -> Iterator[str]:
    """The URL of an empty database."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{directory / 'live.sqlite3'}"
        return
    name = f"latchkey_live_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{url.rpartition('/')[0]}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def serving(directory: Path, **environment: str) -> Iterator[Live]:
    """`python -m project.serve` until the block ends."""
    port = free_port()
    with fresh_database(directory) as database:
        env = {
            **{k: v for k, v in os.environ.items() if k not in {"PYTHONWARNINGS", "DJANGO_SETTINGS_MODULE"}},
            "LATCHKEY_ENV": "development",
            "SECRET_KEY": uuid.uuid4().hex + uuid.uuid4().hex,
            "DATABASE_URL": database,
            "CACHE_URL": os.environ.get("CACHE_URL", f"filecache://{directory / 'cache'}"),
            "PORT": str(port),
            **environment,
        }
        log = directory / "server.log"
        with (
            log.open("w") as output,
            subprocess.Popen(
                [sys.executable, "-m", "project.serve"], cwd=ROOT, env=env, stdout=output, stderr=output
            ) as process,
        ):
            try:
                _await(port, process, log)
                yield Live(f"http://127.0.0.1:{port}", env, log, process.pid)
            finally:
                process.terminate()


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(log.read_text())
