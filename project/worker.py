"""Gunicorn's threaded worker, whose threads serve complete requests only (S92).

gunicorn's own gives each connection to a thread, which then waits for the client: as many silent clients as there are
threads stop the service. Here one loop reads all requests and sends what slow clients leave unread; a thread gets a
request once all of it has come, and is free once it has the response.

What clients may take is bounded: time for a request and for a response, the number of connections, and the memory of
all of them. If there are too many, the one that has been waiting longest is closed.
"""

import contextlib
import errno
import functools
import json
import re
import selectors
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from typing import Any

from django.conf import settings
from gunicorn import http
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from project import draining
from project.health import PATHS as PROBES
from project.incoming import Incoming
from project.outgoing import Outgoing

REQUEST_TIME = 15
"""Seconds in which a request has to come, from its first byte on; for the first one, from the connection on."""
RESPONSE_TIME = 30
"""Seconds in which a response has to be read, and a second more for each SLOWEST bytes of it."""
SLOWEST = 16 * 1024
GOODBYE = 2
"""Seconds in which a client has to close a connection that we have closed for writing, or that is idle at the stop."""
MOST_MEMORY = 32 * 1024 * 1024
"""Bytes that all connections of a process may hold."""
PIECE = 64 * 1024
"""Bytes that are read from a connection at once."""
PARSED = 8 * 1024
"""Bytes that gunicorn's parser gets at once, as from a socket. It copies what it has got for each line of it."""
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Waiting(Enum):
    """What a connection waits for."""

    REQUEST = "the rest of a request"
    RESPONSE = "that the client reads"
    NEXT = "the next request"
    GOODBYE = "that the client closes it"


class Connection(TConn):
    """A client's connection. `socket` is the connection itself, `sock` what gunicorn's responses write to."""

    def __init__(self, cfg: Any, connection: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, connection, client, server)
        self.socket = connection
        self.sock: Any = Outgoing(connection)
        self.initialized = self.data_ready = True
        self.incoming = Incoming(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        self.waiting: Waiting | None = None
        self.since = self.deadline = 0.0
        self.serving = 0
        """Bytes of the request that a thread has."""
        self.is_whole = True
        """Whether another request may follow the one that a thread has."""
        self.is_probe = False
        self.keep = False
        """Whether the client may send another request, as the response said."""
        self.memory = 0
        """As counted by the worker."""

    def parse(self) -> None:
        """Give gunicorn's parser the request, and nothing of what follows it."""
        self.is_whole = self.incoming.whole
        request = self.incoming.take()
        self.serving = len(request)
        self.is_probe = _probe().match(request) is not None
        pieces = [request[start : start + PARSED] for start in range(0, len(request), PARSED)]
        self.parser = http.get_parser(self.cfg, pieces, self.client)


@functools.cache
def _probe() -> "re.Pattern[bytes]":
    """The beginning of a request of a probe. Made late: gunicorn imports this before there are settings."""
    return re.compile(rf"(?:GET|HEAD) (?:{re.escape(settings.SCRIPT_NAME)})?(?:{'|'.join(PROBES)})[? ]".encode())


class Worker(ThreadWorker):
    """The worker."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: set[Connection] = set()
        self._memory = 0
        # A few of the largest bodies, if larger ones are allowed.
        self._most_memory = max(MOST_MEMORY, 8 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        self._looked_at = 0.0
        # Probes are answered while all threads wait for a database: restarts would not bring it back.
        self._probes = ThreadPoolExecutor(2, "probes")

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raise RuntimeError for TLS."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("This service does not speak TLS. Put a proxy in front (docs/serving.md).")

    # Accepting -------------------------------------------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        """Accept a connection, in place of one that waits if there are too many."""
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        try:
            connection, client = listener.accept()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._make_room()
            elif error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        self.nr_conns += 1
        # A first request that does not begin is given up like one that does not end.
        self._wait(Connection(self.cfg, connection, client, listener.getsockname()), Waiting.REQUEST, REQUEST_TIME)

    def set_accept_enabled(self, enabled: bool | None) -> None:  # noqa: FBT001 - gunicorn's
        """Accept connections, or pause; once the worker ends, free the port for good.

        Connections that wait to be accepted are accepted before: the kernel would reset them.
        """
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        listener: Any
        for listener in self.sockets:
            if listener.sock is not None:
                while self._accepts_one_more(listener):
                    pass
                listener.close()

    def _accepts_one_more(self, listener: Any) -> bool:
        before = self.nr_conns
        self.accept(listener)
        return self.nr_conns > before

    def is_parent_alive(self) -> bool:
        """Whether the master is alive; gunicorn calls this each second. If not, requests finish as after SIGTERM.

        gunicorn's own worker keeps the port until its connections end, so that a service whose master was killed
        cannot restart meanwhile. `reuse_port` does not help: the kernel would assign half of the new connections to
        the old workers, which accept none.
        """
        if super().is_parent_alive():
            return True
        self.alive = False
        self.set_accept_enabled(False)
        return False

    # Reading ---------------------------------------------------------------------------------------------------------

    def _on_readable(self, conn: Connection) -> None:
        if conn.waiting is Waiting.GOODBYE:
            if _received(conn.socket) == b"":
                self._close(conn)
            return
        data = _received(conn.socket)
        if data is None:
            return
        if conn.waiting is Waiting.NEXT:
            self._note(conn, Waiting.REQUEST, REQUEST_TIME)
        if data:
            conn.incoming.feed(data)
            self._advance(conn)
        else:
            self._close(conn)

    def _advance(self, conn: Connection) -> None:
        """Serve the request if it is complete, or go on waiting for it."""
        incoming = conn.incoming
        if incoming.complete:
            self._stop_waiting(conn)
            conn.parse()
            self._count(conn)
            self.enqueue_req(conn)
        elif incoming.head_is_too_large:
            self._refuse(conn, "431 Request Header Fields Too Large", "The request headers are too large.")
        else:
            if incoming.expects_continue and incoming.head_is_complete:
                incoming.expects_continue = False
                self._send(conn, CONTINUE)
            self._count(conn)
            if self._memory > self._most_memory:
                self._make_room(holding=True)

    # Serving, in threads ---------------------------------------------------------------------------------------------

    def enqueue_req(self, conn: Any) -> None:
        """Give the request to a thread."""
        future = (self._probes if conn.is_probe else self.tpool).submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def handle(self, conn: Any) -> bool:
        """Serve the request; whether another may follow on the connection. Runs in a thread."""
        keep = super().handle(conn)
        with contextlib.suppress(OSError):
            # Here, since the loop would have to wake up first. What fails here fails there again.
            conn.sock.flush()
        # Bytes that the parser left are no part of the request for it, and no part of the next one for us.
        return keep and not conn.parser.unreader.read()

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request, the last of its connection if the service is about to stop."""
        # The body is here, or is not wanted.
        req._expected_100_continue = False  # noqa: SLF001 - gunicorn would send what we have sent
        if draining.under_way() or not conn.is_whole:
            req.force_close()
        keep = super().handle_request(req, conn)
        try:
            return keep and conn.parser.finish_body()
        except (ParseException, OSError):
            # A malformed body that nobody has read. gunicorn would respond to the request a second time (S45).
            return False

    # Sending ---------------------------------------------------------------------------------------------------------

    def finish_request(self, conn: Any, fs: "Future[bool]") -> None:
        """Send what the thread could not."""
        conn.serving = 0
        conn.keep = not fs.cancelled() and fs.exception() is None and fs.result()
        self._flush(conn)

    def _flush(self, conn: Connection) -> None:
        try:
            done = conn.sock.flush()
        except OSError:
            self._close(conn)
            return
        self._count(conn)
        if done:
            self._after_response(conn)
        elif conn.waiting is not Waiting.RESPONSE:
            self._wait(conn, Waiting.RESPONSE, RESPONSE_TIME + conn.sock.left / SLOWEST)
            if self._memory > self._most_memory:
                self._make_room(holding=True)

    def _after_response(self, conn: Connection) -> None:
        if not conn.keep:
            self._say_goodbye(conn)
            return
        self._wait(conn, Waiting.NEXT, self.cfg.keepalive if self.alive else GOODBYE)
        if conn.incoming:
            # Requests may follow each other without waiting for responses.
            self._note(conn, Waiting.REQUEST, REQUEST_TIME)
            conn.incoming.look()
            self._advance(conn)

    def _say_goodbye(self, conn: Connection) -> None:
        """Close it for writing, and wait until the client does: a reset could overtake the response (RFC 9112 §9.6)."""
        try:
            conn.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
        else:
            self._wait(conn, Waiting.GOODBYE, GOODBYE)

    def _refuse(self, conn: Connection, status: str, message: str, *more: str) -> None:
        """Respond in GraphQL's format, as for requests that are complete, and end the connection."""
        content = json.dumps({"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]})
        lines = [
            f"HTTP/1.1 {status}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            "Cache-Control: no-store",
        ]
        self._send(conn, "\r\n".join([*lines, "", content]).encode())
        self._say_goodbye(conn)

    def _send(self, conn: Connection, data: bytes) -> None:
        """Send a few bytes, which a client that does not read them has to do without."""
        with contextlib.suppress(OSError):
            conn.socket.send(data)

    # Waiting ---------------------------------------------------------------------------------------------------------

    def _wait(self, conn: Connection, what: Waiting, seconds: float) -> None:
        events = selectors.EVENT_WRITE if what is Waiting.RESPONSE else selectors.EVENT_READ
        call = self._flush if what is Waiting.RESPONSE else self._on_readable

        def react(_socket: object) -> None:
            # Another connection may have taken its place since the poller returned both.
            if conn in self._waiting:
                call(conn)

        self._stop_waiting(conn)
        self.poller.register(conn.socket, events, react)
        self._waiting.add(conn)
        self._note(conn, what, seconds)

    def _note(self, conn: Connection, what: Waiting, seconds: float) -> None:
        conn.waiting, conn.since = what, _now()
        conn.deadline = conn.since + seconds

    def _stop_waiting(self, conn: Connection) -> None:
        if conn in self._waiting:
            self._waiting.remove(conn)
            self.poller.unregister(conn.socket)
            conn.waiting = None

    def _close(self, conn: Connection) -> None:
        self._stop_waiting(conn)
        conn.sock.close()
        conn.socket.close()
        self._memory -= conn.memory
        self.nr_conns -= 1

    def _count(self, conn: Connection) -> None:
        memory = len(conn.incoming) + conn.serving + conn.sock.size
        self._memory += memory - conn.memory
        conn.memory = memory

    def _make_room(self, *, holding: bool = False) -> None:
        """Close the connection that has been waiting longest; of those that hold memory, if that is what is full."""
        candidates = [conn for conn in self._waiting if conn.memory or not holding]
        if candidates:
            self._close(min(candidates, key=lambda conn: (conn.waiting is not Waiting.GOODBYE, conn.since)))

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Give up whoever takes too long; everybody at the end of the worker."""
        now = _now()
        if not force and self.alive and now - self._looked_at < 1:
            return
        self._looked_at = now
        for conn in [conn for conn in self._waiting if force or conn.deadline <= now]:
            if conn.waiting is Waiting.REQUEST and conn.incoming and not force:
                self._refuse(conn, "408 Request Timeout", "The request took too long.")
            else:
                self._close(conn)

    def murder_pending(self) -> None:
        """As `murder_keepalived`, which gunicorn calls too."""

    def _cap_keepalive(self, deadline: float) -> None:
        """At the stop, wait a little for requests that are on their way, and not for those that nobody has begun."""
        for conn in self._waiting:
            if conn.waiting is Waiting.NEXT or not conn.incoming:
                conn.deadline = min(conn.deadline, deadline)

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """As gunicorn; at the stop, look at the deadlines more often."""
        super().wait_for_and_dispatch_events(timeout if self.alive else 0.1)


_now = time.monotonic


def _received(connection: socket.socket) -> bytes | None:
    """What has come; None if nothing has, and nothing if the client is gone."""
    try:
        return connection.recv(PIECE)
    except BlockingIOError:
        return None
    except OSError:
        return b""
