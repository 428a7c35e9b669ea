"""gunicorn's settings, for `make run` and for production: `gunicorn -c python:project.gunicorn project.wsgi`."""

import functools
import gc
import os
import signal
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings

from project import draining, multiprocess
from project.worker import Worker

if TYPE_CHECKING:
    from accounts.mails.worker import Worker as MailWorker

# gunicorn reads this module before it imports project.wsgi.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
multiprocess.begin()


bind = settings.BIND
workers = settings.WORKERS
threads = settings.THREADS
worker_class = Worker
control_socket_disable = True
# Workers are forked from a process that has loaded the application: they start at once and share its memory.
preload_app = True
logger_class = "project.server_log.ServerLog"
accesslog = None
# By default gunicorn trusts scheme and path headers from local clients, and always from those of a Unix socket.
# project/proxies.py handles proxy headers (S55).
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# Twice what browsers and proxies send. gunicorn parses all headers before our code can refuse them (S80).
limit_request_fields = 64
# Longer than the idle timeout of common load balancers (60 s), so that they close connections first.
keepalive = 75
# Longer than the slowest request, a sign-in that waits for its provider. It begins after SHUTDOWN_DELAY; Docker kills
# after 10 s unless told otherwise (docs/serving.md).
graceful_timeout = int(settings.LATCHKEY.provider_timeout) + 3


def when_ready(_server: object) -> None:
    """Set aside what is loaded before workers are forked, and print the welcome message in development."""
    # It stays until the end. Collections of garbage would go through it in vain, copy the memory that workers share,
    # and take half a second of CPU at the end of each process.
    gc.collect()
    gc.freeze()
    if settings.DEVELOPMENT:
        print(settings.WELCOME, flush=True)  # noqa: T201 - for the person at the terminal


LONGEST_GOODBYE = 2
"""Seconds that a mail under way may take once the requests have ended."""


def on_starting(arbiter: Any) -> None:
    """Drain before the stop: gunicorn's master calls this, and looks its handlers of signals up by name."""
    arbiter.handle_term = functools.partial(_drain, arbiter)
    arbiter.handle_alrm = _stop
    arbiter.handle_int = arbiter.handle_quit = functools.partial(_stop_at_once, arbiter)


def _drain(arbiter: Any) -> None:
    """Be not ready, serve for SHUTDOWN_DELAY, then stop. A second SIGTERM stops at once."""
    if draining.under_way():
        _stop_at_once(arbiter)
    draining.begin()
    signal.signal(signal.SIGTERM, lambda *_: arbiter.SIG_QUEUE.put_nowait(signal.SIGQUIT))
    if not settings.SHUTDOWN_DELAY:
        _stop()
    signal.signal(signal.SIGALRM, arbiter.signal)
    signal.setitimer(signal.ITIMER_REAL, settings.SHUTDOWN_DELAY)


def _stop() -> NoReturn:
    # So gunicorn's own handler of SIGTERM begins the graceful stop.
    raise StopIteration


def _stop_at_once(arbiter: Any) -> NoReturn:
    # gunicorn would wait as long for requests under way as in a graceful stop.
    arbiter.cfg.set("graceful_timeout", LONGEST_GOODBYE)
    arbiter.stop(graceful=False)
    _stop()


_mail_workers: "list[MailWorker]" = []


def post_worker_init(_worker: object) -> None:
    """Start what this process does beside requests, now that the application is loaded."""
    if settings.MAIL_WORKER:
        # Its models can be imported only now.
        from accounts.mails.worker import Worker as MailWorker  # noqa: PLC0415

        _mail_workers.append(MailWorker())
        _mail_workers[0].start()
    if settings.METRICS_TOKENS:
        from project.metrics import Watch  # noqa: PLC0415

        Watch().start()
    if settings.OTEL_ENDPOINT:
        from project import tracing  # noqa: PLC0415

        tracing.start()


def worker_exit(_server: object, _worker: object) -> None:
    """Let the mail under way finish. A mail that does not is sent again later, and says so. Send the last spans."""
    for mail_worker in _mail_workers:
        mail_worker.stop(timeout=LONGEST_GOODBYE)
    if settings.OTEL_ENDPOINT:
        from project import tracing  # noqa: PLC0415

        tracing.stop(timeout=LONGEST_GOODBYE)


def child_exit(_server: object, worker: Any) -> None:
    """Take the gauges of a worker that has ended, however it ended, out of the metrics."""
    multiprocess.forget_worker(worker.pid)
