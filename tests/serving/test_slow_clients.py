"""S92: clients that are slow or silent hold no thread, in front of a real server without a proxy."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.serving.servers import OVER_TLS, QUERY, Service, operation, started
from tests.tools import ASKS_NO_DATABASE
from tests.wire import chunked, message, parsed

pytestmark = ASKS_NO_DATABASE

MANY = 64
"""Sixteen times the threads of the service."""
JSON = {"Content-Type": "application/json", **OVER_TLS}
WHOLE = operation()
CHUNKED = message("POST", "/graphql", **JSON, **{"Transfer-Encoding": "chunked"})
FILE = "/static/admin/js/vendor/xregexp/xregexp.js"
LARGE = message("GET", FILE, **OVER_TLS)
BEGINNINGS = {
    "silent": b"",
    "half of a line": b"POST /gra",
    "half of the headers": WHOLE[:60],
    "half of the body": WHOLE[: -len(QUERY) // 2],
    "a body that waits for 100 Continue": operation(Expect="100-continue")[: -len(QUERY)],
    "half of a chunk": CHUNKED + b"1b\r\n" + QUERY[:9],
    "no last chunk": CHUNKED + chunked(QUERY)[:-5],
    "a large body that is announced": message("POST", "/graphql", **JSON, **{"Content-Length": "1000000000"}),
    "nobody who reads the refusal": b"GET\r\n\r\n",
}
"""What such a client sends, before it sends no more."""


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    """One process with four threads."""
    with started(tmp_path_factory.mktemp("live"), WORKERS="1", THREADS="4") as running:
        yield running


def connected(service: Service, *, buffer: int = 0) -> socket.socket:
    """A connection; with a small buffer for what it receives, it stands for a client that reads slowly."""
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    host, _, port = service.url.removeprefix("http://").partition(":")
    connection.settimeout(30)
    connection.connect((host, int(port)))
    return connection


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.monotonic()
    call()
    return time.monotonic() - began


@contextmanager
def clients(service: Service, beginning: bytes, *, buffer: int = 0) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent this."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(service, buffer=buffer)) for _ in range(MANY)]
        for connection in connections:
            connection.sendall(beginning)
        yield connections


@contextmanager
def dribbling(connections: list[socket.socket], rest: bytes) -> Iterator[None]:
    """Each goes on to send a byte now and then."""
    done = threading.Event()

    def dribble() -> None:
        for byte in rest:
            if done.wait(0.5):
                return
            for connection in connections:
                with suppress(OSError):
                    connection.send(bytes([byte]))

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def is_at_ease(service: Service) -> None:
    """Others are served as if nothing were."""
    assert [service.ask() for _ in range(5)] == [200] * 5
    assert service.probe("/healthz")[0] == 200


@pytest.mark.parametrize("name", BEGINNINGS)
def test_who_sends_half_a_request_stops_nobody(service, name):
    """The threads would be held for as long as the client likes."""
    with clients(service, BEGINNINGS[name]):
        assert seconds(lambda: is_at_ease(service)) < 5


@pytest.mark.parametrize("start", [0, 60, len(WHOLE) - 20])
def test_who_sends_a_byte_now_and_then_stops_nobody(service, start):
    """In the headers and in the body: no time between two bytes is long."""
    with clients(service, WHOLE[:start]) as connections, dribbling(connections, WHOLE[start:]):
        assert seconds(lambda: is_at_ease(service)) < 5


def test_who_sends_chunks_of_a_byte_stops_nobody(service):
    """Each is complete."""
    with clients(service, CHUNKED) as connections, dribbling(connections, chunked(*([b" "] * 9))):
        assert seconds(lambda: is_at_ease(service)) < 5


def test_who_does_not_read_stops_nobody(service):
    """A large file, of which each reads a byte now and then; none is held in memory."""
    before = resident(service)
    with clients(service, LARGE * 8, buffer=2048) as connections:
        for connection in connections:
            assert connection.recv(1)
        assert seconds(lambda: is_at_ease(service)) < 5
        after = resident(service)

    assert after - before < 30


def resident(service: Service) -> float:
    """MiB of memory of the worker."""
    (worker,) = service.workers()
    pages = Path(f"/proc/{worker}/statm").read_text().split()[1]
    return int(pages) * 4096 / 2**20


def test_what_slow_clients_hold_in_memory_is_bounded(service):
    """S92: 600 bodies of 120 kB that are not complete would take 72 MB. Those that wait longest are given up."""
    before = resident(service)
    head = message("POST", "/graphql", **JSON, **{"Content-Length": str(128 * 1024)})
    with ExitStack() as stack:
        for _ in range(600):
            connection = stack.enter_context(connected(service))
            with suppress(OSError):
                connection.sendall(head + b" " * 120_000)
        is_at_ease(service)
        after = max(resident(service) for _ in range(20) if not time.sleep(0.1))

    assert after - before < 50


def test_more_clients_than_connections_are_allowed_stop_nobody(tmp_path):
    """The connection that waits longest is closed for a new one."""
    with started(tmp_path, GUNICORN_CMD_ARGS="--worker-connections=40") as service, clients(service, b"POST /"):
        assert seconds(lambda: is_at_ease(service)) < 5


def test_a_client_that_sends_while_it_is_given_up_is_counted_once(tmp_path):
    """Else a worker would hold more and more connections than it is allowed."""
    with started(tmp_path, GUNICORN_CMD_ARGS="--worker-connections=40") as service, ExitStack() as stack:
        is_at_ease(service)
        before = descriptors(service)
        (worker,) = service.workers()
        connections = [stack.enter_context(connected(service)) for _ in range(39)]
        for _ in range(15):
            # The worker finds out about all of this at once.
            os.kill(worker, signal.SIGSTOP)
            connections.append(stack.enter_context(connected(service)))
            for connection in connections:
                with suppress(OSError):
                    connection.send(b"G")
            os.kill(worker, signal.SIGCONT)
            time.sleep(0.1)
        connections += [stack.enter_context(connected(service)) for _ in range(MANY)]
        is_at_ease(service)
        held = descriptors(service) - before

    assert held <= 40


def descriptors(service: Service) -> int:
    """How many files and sockets the worker has open."""
    (worker,) = service.workers()
    return len(list(Path(f"/proc/{worker}/fd").iterdir()))


def test_a_request_that_takes_too_long_is_408(service):
    """RFC 9110 §15.5.9, in JSON; and a client that has sent nothing gets no response."""
    with connected(service) as slow, connected(service) as silent:
        slow.sendall(WHOLE[:-5])
        began = time.monotonic()
        reply = parsed(b"".join(iter(lambda: slow.recv(65536), b"")))
        took = time.monotonic() - began
        nothing = silent.recv(65536)

    assert (reply.status, reply.headers["connection"]) == (408, "close")
    assert reply.headers["content-type"] == "application/json"
    assert 10 < took < 25
    assert nothing == b""


def test_a_slow_request_in_time_is_served(service):
    """A poor connection is no attack."""
    with connected(service) as slow:
        for start in range(0, len(WHOLE), 40):
            slow.sendall(WHOLE[start : start + 40])
            time.sleep(0.3)
        reply = parsed(b"".join(iter(lambda: slow.recv(65536), b"")))

    assert reply.status == 200


def test_a_slow_reader_gets_all_of_a_file(service):
    """Piece by piece, from the disk."""
    whole = service.get(FILE, **OVER_TLS)
    with connected(service, buffer=2048) as slow:
        slow.sendall(LARGE)
        time.sleep(1)
        reply = parsed(b"".join(iter(lambda: slow.recv(3000), b"")))

    assert reply.body == whole.body
    assert len(reply.body) == int(reply.headers["content-length"]) > 100_000


def test_headers_without_end_are_431(service):
    """S80: before they are parsed."""
    with connected(service) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(OSError):
            connection.sendall(b"X-Long: " + b"x" * 100_000)
        reply = parsed(connection.recv(65536))

    assert reply.status == 431


def test_requests_may_follow_each_other_without_waiting(service):
    """RFC 9112 §9.3.2: each gets its response, in order."""
    one = WHOLE.replace(b"Connection: close\r\n", b"")
    missing = message("GET", "/nothing", **OVER_TLS).replace(b"Connection: close\r\n", b"")
    with connected(service) as connection:
        connection.sendall(one + missing + one + WHOLE)
        replies = b"".join(iter(lambda: connection.recv(65536), b""))

    assert [int(part.split()[0]) for part in replies.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200, 200]


def test_a_connection_serves_one_request_after_the_other(service):
    """Which comes in pieces, too."""
    one = WHOLE.replace(b"Connection: close\r\n", b"")
    with connected(service) as connection:
        for _ in range(3):
            connection.sendall(one[:70])
            time.sleep(0.05)
            connection.sendall(one[70:])
            assert parsed(connection.recv(65536)).status == 200


def test_a_client_that_expects_100_continue_gets_it_once(service):
    """RFC 9110 §10.1.1. curl sends it before larger bodies."""
    request = operation(Expect="100-continue")
    with connected(service) as connection:
        connection.sendall(request[: -len(QUERY)])
        first = connection.recv(65536)
        connection.sendall(QUERY)
        second = b"".join(iter(lambda: connection.recv(65536), b""))

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert parsed(second).status == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(service):
    """Without 100 Continue."""
    head = message("POST", "/graphql", **JSON, **{"Content-Length": "1000000", "Expect": "100-continue"})
    with connected(service) as connection:
        connection.sendall(head)
        assert parsed(connection.recv(65536)).status == 413


def test_what_is_left_of_a_refused_request_is_no_request(service):
    """S45: its end is unknown, so that a proxy and we could tell two requests from it differently."""
    smuggled = message("GET", "/healthz", Host="x")
    head = message("POST", "/graphql", **JSON, **{"Content-Length": "5", "Transfer-Encoding": "chunked"})
    with connected(service) as connection:
        connection.sendall(head.replace(b"Connection: close\r\n", b"") + b"0\r\n\r\n" + smuggled)
        reply = b"".join(iter(lambda: connection.recv(65536), b""))

    assert reply.count(b"HTTP/1.1 ") == 1
    assert parsed(reply).status == 400


MALFORMED = {
    "a blank after the size": b"2 \r\nab\r\n0\r\n\r\n",
    "no name of an extension": b"2;=\r\nab\r\n0\r\n\r\n",
    "a trailer that is none": b"0\r\nabc\r\n\r\n",
    "a trailer that is forbidden": b"0\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_that_nobody_reads_gets_one_response(service, name):
    """S45: a proxy would take the second for the response to the next request, of another client."""
    head = message("GET", "/healthz", **{"Transfer-Encoding": "chunked"})
    with connected(service) as connection:
        connection.sendall(head.replace(b"Connection: close\r\n", b"") + MALFORMED[name])
        reply = b"".join(iter(lambda: connection.recv(65536), b""))

    assert reply.count(b"HTTP/1.1 ") == 1
    assert parsed(reply).status == 200
