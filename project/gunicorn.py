"""gunicorn's settings, for `make run` and for production: `gunicorn -c python:project.gunicorn project.wsgi`."""

import os
from typing import TYPE_CHECKING

from django.conf import settings
from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from accounts.mails.worker import Worker as MailWorker

# gunicorn reads this module before it imports project.wsgi.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


class Worker(ThreadWorker):
    """gunicorn's threaded worker, which also frees the port as soon as its master has died.

    gunicorn's own worker keeps the port until its connections end, so that a service whose master was killed cannot
    restart meanwhile. `reuse_port` does not help: the kernel would assign half of the new connections to the old
    workers, which accept none.
    """

    def is_parent_alive(self) -> bool:
        """Whether the master is alive; gunicorn calls this each second. If not, requests finish as after SIGTERM."""
        if super().is_parent_alive():
            return True
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False


bind = settings.BIND
workers = settings.WORKERS
threads = settings.THREADS
worker_class = Worker
control_socket_disable = True
# Workers are forked from a process that has loaded the application: they start at once and share its memory.
preload_app = True
accesslog = None
# By default gunicorn trusts scheme and path headers from any local client. project/proxies.py handles proxy headers.
forwarded_allow_ips = ""
# Twice what browsers and proxies send. gunicorn parses all headers before our code can refuse them (S80).
limit_request_fields = 64
# Longer than the idle timeout of common load balancers (60 s), so that they close connections first.
keepalive = 75
# Longer than the slowest request, a sign-in that waits for its provider; Docker kills after 10 s.
# An idle connection delays the exit by all of it.
graceful_timeout = int(settings.LATCHKEY.provider_timeout) + 3


def when_ready(_server: object) -> None:
    """Print the welcome message in development."""
    if settings.DEVELOPMENT:
        print(settings.WELCOME, flush=True)  # noqa: T201 - for the person at the terminal


LONGEST_GOODBYE = 2
"""Seconds that a mail under way may take once the requests have ended."""
_mail_workers: "list[MailWorker]" = []


def post_worker_init(_worker: object) -> None:
    """Start sending mails in this process, now that the application is loaded."""
    if settings.MAIL_WORKER:
        # Its models can be imported only now.
        from accounts.mails.worker import Worker as MailWorker  # noqa: PLC0415

        _mail_workers.append(MailWorker())
        _mail_workers[0].start()


def worker_exit(_server: object, _worker: object) -> None:
    """Let the mail under way finish. A mail that does not is sent again later, and says so."""
    for mail_worker in _mail_workers:
        mail_worker.stop(timeout=LONGEST_GOODBYE)
