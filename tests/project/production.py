"""The service as production starts it: gunicorn, without `make run` around it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.live import ROOT, environment_of_service, free_port, fresh_database
from tests.project.test_settings import PRODUCTION


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects on its lines. Fails for a line that is no JSON."""
    return [json.loads(line) for line in text.splitlines()]


@dataclass(frozen=True)
class Server:
    """gunicorn, started as in production."""

    url: str
    log: Path
    environment: dict[str, str]

    def entries(self) -> list[dict[str, Any]]:
        """What it has logged. Fails for a line that is no JSON."""
        return json_lines(self.log.read_text())

    def messages(self) -> str:
        """What it has logged, as one text."""
        return "\n".join(entry["message"] for entry in self.entries())

    def manage(self, *arguments: str) -> str:
        """Run manage.py against its database."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def fetch(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Status and headers of an answer."""
        request = Request(self.url + path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers
        except HTTPError as error:
            with error:
                return error.code, error.headers


@contextmanager
def gunicorn(directory: Path, **environment: str) -> Iterator[Server]:
    """`gunicorn --config python:project.gunicorn project.wsgi` in production, until the block ends."""
    port, log = environment.get("PORT") or str(free_port()), directory / "server.log"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:project.gunicorn", "project.wsgi"]
    with fresh_database(directory, migrated=True) as database:
        env = environment_of_service(
            **PRODUCTION
            | {"DATABASE_URL": database, "ALLOW_SQLITE_IN_CODE": "true", "PORT": port, "ALLOWED_HOSTS": "127.0.0.1"}
            | {"SECURE_SSL_REDIRECT": "false"}
            | environment
        )
        with log.open("w") as output, subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output) as it:
            try:
                server = Server(f"http://127.0.0.1:{port}", log, env)
                await_that(lambda: "Booting worker" in log.read_text(), it)
                yield server
            finally:
                it.terminate()
                it.wait(30)


def await_that(condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until it is so, 60 seconds at most."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        assert process is None or process.poll() is None
        time.sleep(0.1)
