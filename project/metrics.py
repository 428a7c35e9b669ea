"""`/metrics`: what `accounts.shared.metrics` counts, for Prometheus.

It is answered before Django: a scraper names the service by its address, which ALLOWED_HOSTS need not have. It says
nothing about accounts, but how busy the service is, and what attacks it: so it needs a token.
"""

import hmac
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts.mails import queue
from accounts.shared import metrics
from project.chunked import Application
from project.multiprocess import VARIABLE
from project.version import VERSION

PATH = "/metrics"
HEADERS = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
INTERVAL = 5
"""Seconds between two looks of a worker process at itself."""
FRESH = 10
"""Seconds for which the state of the mail queue is not read again."""
LONGEST_READ = 1.0
"""Seconds that a scrape waits for the database."""

StartResponse = Callable[..., Any]


def with_metrics(application: Application) -> Application:
    """The application with `/metrics`, and its responses counted."""

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == PATH:
            return _respond(environ, start_response)

        def counting(status: str, *rest: Any) -> Any:
            metrics.responded(status[:3])
            return start_response(status, *rest)

        return application(environ, counting)

    return answer


def _respond(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    status, headers, body = _answer(environ)
    start_response(status, [*HEADERS, *headers, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _answer(environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    text = [("Content-Type", "text/plain; charset=utf-8")]
    if not settings.METRICS_TOKENS:
        return "404 Not Found", text, b"Not found.\n"
    if not _is_allowed(environ.get("HTTP_AUTHORIZATION", "")):
        return "401 Unauthorized", [*text, ("WWW-Authenticate", 'Bearer realm="metrics"')], b"Unauthorized.\n"
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        return "405 Method Not Allowed", [*text, ("Allow", "GET, HEAD")], b"Use GET.\n"
    encode, content_type = choose_encoder(environ.get("HTTP_ACCEPT", ""))
    return "200 OK", [("Content-Type", content_type), ("Vary", "Accept")], encode(registry())


def _is_allowed(authorization: str) -> bool:
    """Whether this is a Bearer token of METRICS_TOKENS. All are compared, so that the time tells nothing."""
    scheme, _, token = authorization.partition(" ")
    presented = token.strip(" ").encode("latin-1", "replace")
    found = [hmac.compare_digest(presented, known.encode()) for known in settings.METRICS_TOKENS]
    return scheme.lower() == "bearer" and any(found)


def registry() -> CollectorRegistry:
    """What a scrape returns: the values of all processes, and what is only known at the scrape."""
    scraped = CollectorRegistry()
    if VARIABLE in os.environ:
        MultiProcessCollector(scraped)  # type: ignore[no-untyped-call]
    else:
        scraped.register(metrics.REGISTRY)
    for collector in AT_SCRAPE:
        scraped.register(collector)
    return scraped


class Build(Collector):
    """Which code runs."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """A constant with the versions as labels."""
        family = GaugeMetricFamily(
            "latchkey_build_info", "The version of the service and of Python; always 1.", labels=["version", "python"]
        )
        family.add_metric([VERSION, platform.python_version()], 1)
        yield family


class MailQueue(Collector):
    """The mail queue, read from the database at most every FRESH seconds in each process.

    A read that takes long goes on in its thread, while the scrape returns everything else. There is one at a time: a
    database that hangs holds no more than this thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: ThreadPoolExecutor | None = None
        self._read_at = 0.0
        self._reading: Future[queue.State] | None = None
        self._state: queue.State | None = None
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Start anew: a child has none of the parent's threads."""
        self.__dict__.update(_lock=threading.Lock(), _reader=None, _read_at=0.0, _reading=None, _state=None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The state of the queue; without it, only that it could not be read."""
        state = self._current()
        yield GaugeMetricFamily(
            "latchkey_mail_queue_readable", "Whether the mail queue could be read from the database.", int(bool(state))
        )
        if state is None:
            return
        age = time.time() - state.oldest.timestamp() if state.oldest else 0
        yield GaugeMetricFamily("latchkey_mail_queue_due", "Mails that are due and not sent yet.", state.due)
        yield GaugeMetricFamily(
            "latchkey_mail_queue_oldest_due_seconds", "For how long the oldest of them has been due.", max(0, age)
        )
        yield GaugeMetricFamily(
            "latchkey_mail_queue_dead_letters", "Mails that were given up, and kept for 30 days.", state.dead_letters
        )

    def _current(self) -> queue.State | None:
        with self._lock:
            if self._reading is None and time.monotonic() - self._read_at > FRESH:
                self._reader = self._reader or ThreadPoolExecutor(1, "mail-queue")
                self._reading = self._reader.submit(_read_queue)
            reading = self._reading
        if reading is not None and wait([reading], LONGEST_READ).done:
            with self._lock:
                if self._reading is reading:
                    self._reading, self._read_at = None, time.monotonic()
                    self._state = reading.result() if reading.exception() is None else None
        # While a read takes long, there is no answer: the last one may be hours old.
        return None if reading is not None and not reading.done() else self._state


def _read_queue() -> queue.State:
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL statement_timeout = {int(LONGEST_READ * 1000)}")
            return queue.state()
    finally:
        connection.close()


AT_SCRAPE: list[Collector] = [Build(), MailQueue()]


class Watch:
    """A thread of each worker process that writes down how the process does, for the scrapes that others answer."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._process = ProcessCollector(registry=None)
        self._cpu = self._refused = 0.0

    def start(self) -> None:
        """Run in a thread of its own, which does not keep the process alive."""
        metrics.WORKERS.set(1)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self.look()
            time.sleep(INTERVAL)

    def look(self) -> None:
        """Write down the state of the process and of its pool."""
        found = {family.name: family.samples[0].value for family in self._process.collect() if family.samples}
        for name, gauge in {
            "process_start_time_seconds": metrics.WORKER_START,
            "process_resident_memory_bytes": metrics.RESIDENT_BYTES,
            "process_open_fds": metrics.OPEN_FILES,
        }.items():
            gauge.set(found.get(name, 0))
        cpu = found.get("process_cpu_seconds", 0)
        metrics.CPU_SECONDS.inc(max(0, cpu - self._cpu))
        self._cpu = cpu
        self._look_at_pool()

    def _look_at_pool(self) -> None:
        pool = getattr(connections["default"], "pool", None)
        if pool is None:
            return
        stats = pool.get_stats()
        metrics.POOL_MAX.set(stats["pool_max"])
        metrics.POOL_SIZE.set(stats["pool_size"])
        metrics.POOL_AVAILABLE.set(stats["pool_available"])
        metrics.POOL_WAITING.set(stats["requests_waiting"])
        refused = stats.get("requests_errors", 0)
        metrics.POOL_REFUSALS.inc(max(0, refused - self._refused))
        self._refused = refused
