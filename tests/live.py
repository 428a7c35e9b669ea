"""A real server process with a database of its own, of the kind that DATABASE_URL names."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg

from accounts.conf import DEFAULTS

UNLIMITED = {"RATE_LIMITS": ",".join(f"{line}=off" for line in DEFAULTS), "HASHING_SLOTS": "32"}
"""The environment of a server that refuses no attempt: for tests of what many attempts do."""
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
def fresh_database(directory: Path, *, migrated: bool = False) -> Iterator[str]:
    """The URL of a new database, which ends with the block: empty, or with the service's tables."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        file = directory / "live.sqlite3"
        if migrated:
            shutil.copyfile(_template(url).removeprefix("sqlite:///"), file)
        yield f"sqlite:///{file}"
        return
    with postgresql_database(_template(url) if migrated else "template0") as fresh:
        yield fresh


@contextlib.contextmanager
def postgresql_database(template: str) -> Iterator[str]:
    """The URL of a copy of another database, which nobody may be using, until the block ends."""
    url = os.environ["DATABASE_URL"]
    name, template = f"latchkey_live_{uuid.uuid4().hex[:8]}", template.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield f"{url.rpartition('/')[0]}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@functools.cache
def _template(_url: str) -> str:
    """The URL of a migrated database to copy: replaying the migrations costs each server 3 s. One for each kind."""
    directory = Path(_until_exit.enter_context(tempfile.TemporaryDirectory()))
    database = _until_exit.enter_context(fresh_database(directory))
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment_of_service(DATABASE_URL=database), check=True)
    return database


_until_exit = contextlib.ExitStack()
atexit.register(_until_exit.close)


def environment_of_service(**environment: str) -> dict[str, str]:
    """The environment of a process of the service, in development unless `environment` says more."""
    return {
        **{k: v for k, v in os.environ.items() if k not in {"PYTHONWARNINGS", "DJANGO_SETTINGS_MODULE"}},
        "LATCHKEY_ENV": "development",
        "SECRET_KEY": uuid.uuid4().hex + uuid.uuid4().hex,
        **_outbox(Path(tempfile.gettempdir()) / "latchkey-tests", environment),
        **environment,
    }


def _outbox(directory: Path, environment: dict[str, str]) -> dict[str, str]:
    """Where mails go: not where `make run` of the same tree keeps its own. Production refuses an outbox."""
    if environment.get("LATCHKEY_ENV") == "production":
        return {}
    return {"EMAIL_URL": f"outbox://{directory / 'outbox'}"}


@contextlib.contextmanager
def serving(directory: Path, **environment: str) -> Iterator[Live]:
    """`python -m project.serve` until the block ends; on a database of its own, unless `environment` names one."""
    port = environment.get("PORT") or str(free_port())
    given = environment.get("DATABASE_URL")
    with contextlib.nullcontext(given) if given else fresh_database(directory, migrated=True) as database:
        cache = os.environ.get("CACHE_URL", f"filecache://{directory / 'cache'}")
        env = environment_of_service(
            **{
                "DATABASE_URL": database,
                "CACHE_URL": cache,
                "PORT": port,
                **_outbox(directory, environment),
                **environment,
            }
        )
        log = directory / "server.log"
        with (
            log.open("w") as output,
            subprocess.Popen(
                [sys.executable, "-m", "project.serve"], cwd=ROOT, env=env, stdout=output, stderr=output
            ) as process,
        ):
            try:
                await_listening(process, log)
                yield Live(f"http://127.0.0.1:{port}", env, log, process.pid)
            finally:
                process.terminate()


def await_listening(process: subprocess.Popen[bytes], log: Path) -> None:
    """Not by a connection: it may be another server's that is about to end."""
    for _ in range(600):
        if process.poll() is not None:
            break
        if "Listening at: " in log.read_text():
            return
        time.sleep(0.1)
    raise RuntimeError(log.read_text())
