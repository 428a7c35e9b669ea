"""The thread that sends the queued mails: one in each server process, beside the threads that serve requests."""

import logging
import threading

from django.db import close_old_connections, connection

from accounts.mails import delivery, queue

log = logging.getLogger(__name__)

INTERVAL = 5
"""Seconds between two looks at the queue: for mails of other processes, and for repeated attempts."""


class Worker:
    """Sends mails until it is stopped. It survives failures of the database and of the mail server."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="mails", daemon=True)

    def start(self) -> None:
        """Run in a thread of its own, which does not keep the process alive."""
        self._thread.start()

    def stop(self, *, timeout: float | None = None) -> None:
        """Let the mail under way finish, for at most this many seconds, and send no other."""
        self.request_stop()
        self._thread.join(timeout)

    def request_stop(self) -> None:
        """As `stop`, without waiting: from a handler of signals."""
        self._stopping.set()
        queue.wake.set()

    def run(self) -> None:
        """Send what is due whenever this process has queued a mail, and every INTERVAL seconds."""
        while True:
            # Before the look at the queue: a mail that is queued during it wakes the next one.
            queue.wake.clear()
            if self._stopping.is_set():
                break
            self._send()
            queue.wake.wait(INTERVAL)
        connection.close()

    def _send(self) -> None:
        try:
            close_old_connections()
            delivery.send_due(stopping=self._stopping.is_set)
        except Exception as error:  # noqa: BLE001 - the thread must go on, and the text may hold a value of a row
            log.error("the mail worker failed, and goes on in %d s: %s", INTERVAL, type(error).__name__)  # noqa: TRY400
        finally:
            close_old_connections()
