"""`/healthz` and `/readyz` for probes, before everything else: probes call by address, without TLS.

`/healthz` says that the process responds. It does no I/O: a process is not restarted because its database is away.
`/readyz` says whether to send requests here: 503 without the database, with migrations that are missing, and from the
first SIGTERM on. Without the cache it says `degraded` and stays 200: the service works without Redis, and processes
that are all unready would turn the failure of a cache into an outage.

Probes are open to anybody, so they are cheap. A process runs each check at most once a second, in one thread, which a
database that hangs can hold; meanwhile one caller waits for the result, within the limit of the check.
"""

import functools
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.base import BaseCache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from project import draining
from project.cache import RedisCache

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

ALIVE, READY = PATHS = "/healthz", "/readyz"

FRESH = 1.0
"""Seconds for which a result counts."""


class Outcome(StrEnum):
    """The result of a check."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"


class Check:
    """A check that runs in a thread of its own, one at a time, whose result counts for a second."""

    def __init__(self, name: str, run: Callable[[], bool], *, limit: float, lasting: bool = False) -> None:
        self.name = name
        self._run, self._limit, self._lasting = run, limit, lasting
        self._changed = threading.Condition()
        self._outcome: Outcome | None = None
        self._finished_at = 0.0
        self._started_at: float | None = None
        self._somebody_waits = False

    def begin(self) -> None:
        """Run it, unless it runs or its result still counts. A `lasting` check that has succeeded is not repeated."""
        with self._changed:
            if self._started_at is not None or (self._lasting and self._outcome is Outcome.OK):
                return
            now = time.monotonic()
            if self._outcome is None or now - self._finished_at >= FRESH:
                self._started_at = now
                threading.Thread(target=self._measure, name=f"check-{self.name}", daemon=True).start()

    def outcome(self) -> Outcome:
        """The result, after waiting for it within the limit; the previous one, if somebody else waits already."""
        with self._changed:
            if self._outcome is not None and (self._started_at is None or self._somebody_waits):
                return self._outcome
            started_at = self._started_at or time.monotonic()
            self._somebody_waits = True
            left = started_at + self._limit - time.monotonic()
            finished = self._changed.wait_for(lambda: self._started_at is None, max(left, 0))
            self._somebody_waits = False
            if not finished:
                self._keep(Outcome.TIMEOUT, "no answer")
            return self._outcome or Outcome.TIMEOUT

    def _measure(self) -> None:
        cause = ""
        try:
            outcome = Outcome.OK if self._run() else Outcome.FAILED
        except Exception as error:  # noqa: BLE001 - whatever it is, the check has failed
            outcome, cause = Outcome.FAILED, type(error).__name__
        finally:
            connection.close()
        with self._changed:
            self._finished_at = time.monotonic()
            if self._started_at and self._finished_at - self._started_at > self._limit:
                outcome = Outcome.TIMEOUT
            self._keep(outcome, cause)
            self._started_at = None
            self._changed.notify_all()

    def _keep(self, outcome: Outcome, cause: str) -> None:
        if outcome is not (self._outcome or Outcome.OK):
            log.warning("the check of %s: %s (%s)", self.name, outcome, cause or "again")
        self._outcome = outcome


def database_responds() -> bool:
    """Whether a connection of the pool works."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def migrations_are_applied() -> bool:
    """Whether the database has all migrations of this code. It may have more: those of a newer release."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


@functools.cache
def _cache() -> BaseCache:
    """A cache object for all checks: Django's are one for each thread, and each of those would connect anew."""
    return caches.create_connection(DEFAULT_CACHE_ALIAS)


def cache_responds() -> bool:
    """Whether the cache keeps a value."""
    backend = _cache()
    if isinstance(backend, RedisCache):
        # It looks like an empty cache while Redis is away.
        return backend.ping()
    value = uuid.uuid4().hex
    backend.set("readyz", value, 10)
    return bool(backend.get("readyz") == value)


class Health:
    """A WSGI application with the two addresses in front of another, below the service's path and at the root."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._checks = (
            # Longer than the pool looks for a connection (project/settings.py).
            Check("database", database_responds, limit=3),
            Check("migrations", migrations_are_applied, limit=3, lasting=True),
            Check("cache", cache_responds, limit=1.5),
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Respond to probes, and pass all other requests on."""
        answer = {ALIVE: self._alive, READY: self._ready}.get(_path(environ))
        if answer is None:
            return self._application(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            return _respond(start_response, "405 Method Not Allowed", {"status": "method not allowed"}, ALLOW)
        status, body = answer()
        return _respond(start_response, status, body, empty=method == "HEAD")

    def _alive(self) -> tuple[str, dict[str, Any]]:
        return OK, {"status": "ok"}

    def _ready(self) -> tuple[str, dict[str, Any]]:
        if draining.under_way():
            return UNAVAILABLE, {"status": "draining", "checks": {}}
        for check in self._checks:
            check.begin()
        outcomes = {check.name: check.outcome() for check in self._checks}
        bad = {name for name, outcome in outcomes.items() if outcome is not Outcome.OK}
        if bad - {"cache"}:
            return UNAVAILABLE, {"status": "failed", "checks": outcomes}
        return OK, {"status": "degraded" if bad else "ok", "checks": outcomes}


OK, UNAVAILABLE = "200 OK", "503 Service Unavailable"
ALLOW = ("Allow", "GET, HEAD")


def _path(environ: dict[str, Any]) -> str:
    """The path below that of the service, whether the proxy strips it or not."""
    path: str = environ.get("PATH_INFO", "")
    return path.removeprefix(settings.SCRIPT_NAME) if path.startswith(f"{settings.SCRIPT_NAME}/") else path


def _respond(
    start_response: Any, status: str, body: dict[str, Any], *more: tuple[str, str], empty: bool = False
) -> list[bytes]:
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(content))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *more,
    ]
    start_response(status, headers)
    return [] if empty else [content]
