"""Load from a few kept connections, and what it costs the server's processes.

The client is one thread over plain sockets, so that it takes little of the machine that it shares with the server.
"""

import contextlib
import json
import os
import selectors
import socket
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection as Database

TICKS = os.sysconf("SC_CLK_TCK")
OK = {200, 201}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one round measured."""

    cpu: float
    """Milliseconds of CPU of the server's workers, for each request."""
    database: float | None
    """Milliseconds of CPU of PostgreSQL's backends, for each request; None with another database, or elsewhere."""
    rate: float
    """Requests per second."""


class Client:
    """A generator that yields requests and is sent the bodies of their answers; it raises if one is no success."""

    def __init__(self, exchange: Generator[bytes, bytes, None]) -> None:
        self._exchange = exchange
        self.request = next(exchange)

    def answered(self, body: bytes) -> None:
        """Let it choose its next request."""
        self.request = self._exchange.send(body)


def request(method: str, path: str, body: object = None, **headers: str) -> bytes:
    """The bytes of a request; a body becomes JSON. `User_Agent` names the header `User-Agent`."""
    content = b"" if body is None else json.dumps(body).encode()
    if content:
        headers |= {"Content_Type": "application/json", "Content_Length": str(len(content))}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench", *lines, "", ""])
    return head.encode() + content


def ask(port: int, sent: bytes) -> bytes:
    """The body of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(sent)
        return _body(connection)


def run(connections: list[socket.socket], clients: list[Client], seconds: float) -> tuple[int, float]:
    """Let each client ask over its connection, one request after the other: the number of answers, and the seconds."""
    answers = 0
    with selectors.DefaultSelector() as selector:
        begun = time.perf_counter()
        for connection, client in zip(connections, clients, strict=True):
            selector.register(connection, selectors.EVENT_READ, client)
            connection.sendall(client.request)
        while selector.get_map():
            for key, _ in selector.select(timeout=60):
                key.data.answered(_body(key.fileobj))  # type: ignore[arg-type]  # sockets are registered
                answers += 1
                if time.perf_counter() - begun < seconds:
                    key.fileobj.sendall(key.data.request)  # type: ignore[union-attr]
                else:
                    selector.unregister(key.fileobj)
        return answers, time.perf_counter() - begun


def _body(connection: socket.socket) -> bytes:
    """The body of the next answer. Raises RuntimeError if it is no success."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _some(connection)
    head, body = received[:end].decode("latin-1"), received[end + 4 :]
    lengths = [line[15:] for line in head.split("\r\n") if line[:15].lower() == "content-length:"]
    if not lengths:
        raise RuntimeError(f"An answer without Content-Length: {head}")
    while len(body) < int(lengths[0]):
        body += _some(connection)
    if int(head.split(" ", 2)[1]) not in OK:
        raise RuntimeError(f"{head}\n\n{body.decode()}")
    return body


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise RuntimeError("The server closed the connection.")
    return received


def workers(master: int) -> list[int]:
    """The process ids of a server's workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == master:
                found.append(int(stat.parent.name))
    return found


def cpu_seconds(processes: list[int]) -> dict[int, float]:
    """User and system time of each process that is alive."""
    spent = {}
    for process in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            spent[process] = (int(fields[11]) + int(fields[12])) / TICKS
    return spent


def backend_seconds(database: Database | None) -> dict[int, float]:
    """CPU time of each process of PostgreSQL that serves this database, but for the one that is asked.

    To the nanosecond, as Linux counts it for processes of one thread. Empty if PostgreSQL runs elsewhere.
    """
    if database is None:
        return {}
    rows = database.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    spent = {}
    for (process,) in rows:
        with contextlib.suppress(OSError):
            spent[process] = int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    return spent


@contextlib.contextmanager
def connected(port: int, processes: list[int], each: int) -> Iterator[list[socket.socket]]:
    """So many connections to each worker: chance alone would give one worker more than the other, and so more to do."""
    with contextlib.ExitStack() as stack:
        kept: dict[int, list[socket.socket]] = {process: [] for process in processes}
        for _ in range(1000):
            if all(len(connections) == each for connections in kept.values()):
                break
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            holder = _holder(connection, processes)
            if holder is None or len(kept[holder]) == each:
                connection.close()
            else:
                kept[holder].append(stack.enter_context(connection))
        else:
            raise RuntimeError("One worker takes all connections.")
        yield [connection for connections in kept.values() for connection in connections]


def _holder(connection: socket.socket, processes: list[int]) -> int | None:
    """The process that has accepted a connection."""
    ends = (f":{connection.getpeername()[1]:04X}", f":{connection.getsockname()[1]:04X}")
    for _ in range(200):
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        names = {f"socket:[{line[9]}]" for line in lines if (line[1][-5:], line[2][-5:]) == ends}
        for process in processes:
            if names & open_files(process):
                return process
        time.sleep(0.005)
    return None


def open_files(process: int) -> set[str]:
    """What a process has open, as Linux names it."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(descriptor.readlink()))
    return found


def sample(
    port: int,
    processes: list[int],
    clients: list[Client],
    seconds: float,
    *,
    database: Database | None = None,
    finished: Callable[[], bool] = lambda: True,
) -> Sample:
    """One round of the clients, and what the server does after it has answered, until it has `finished`."""
    with connected(port, processes, len(clients) // len(processes)) as connections:
        before, before_in_database = cpu_seconds(processes), backend_seconds(database)
        answers, took = run(connections, clients, seconds)
        for _ in range(100):
            if finished():
                break
            time.sleep(0.05)
        after, after_in_database = cpu_seconds(processes), backend_seconds(database)
    spent = sum(value - before[process] for process, value in after.items())
    spent_in_database = sum(value - before_in_database.get(process, 0) for process, value in after_in_database.items())
    return Sample(
        cpu=spent / answers * 1000,
        database=spent_in_database / answers * 1000 if after_in_database else None,
        rate=answers / took,
    )
