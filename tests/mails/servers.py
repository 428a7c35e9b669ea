"""SMTP servers on loopback: one that takes mails, with refusals by choice, and ones that fail."""

import contextlib
import email
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

from aiosmtpd.controller import Controller

from tests.live import free_port


@dataclass
class Mailbox:
    """What a server has taken, and how it answers."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    rcpt: str = ""
    """Its reply to a recipient, if not that of success."""
    data: str = ""
    """Its reply to a mail."""
    drop: bool = False
    """Cut the connection after a mail, before the reply."""
    greeted: int = 0
    """How many clients said EHLO."""
    received: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """For EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_EHLO(self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: Any) -> Any:  # noqa: N802
        """As aiosmtpd calls it."""
        self.greeted += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """As aiosmtpd calls it."""
        if self.rcpt:
            # As servers do: with the address.
            return f"{self.rcpt} <{address}>"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """As aiosmtpd calls it."""
        if self.data:
            return self.data
        self.messages.append(email.message_from_bytes(envelope.content, policy=modern))
        self.recipients.append(envelope.rcpt_tos)
        self.received.set()
        if self.drop:
            server.transport.abort()
        return "250 OK"


@contextlib.contextmanager
def receiving(**answers: Any) -> Iterator[Mailbox]:
    """A server that takes mails."""
    mailbox = Mailbox(**answers)
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port or free_port())
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


@contextlib.contextmanager
def answering(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """The port of a server that talks to each client like this, until the event at the latest."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    threading.Thread(target=to_end, args=(connection,), daemon=True).start()

        def to_end(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                talk(connection, over)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        over.set()
        # Wakes the thread that accepts.
        listener.shutdown(socket.SHUT_RDWR)


def commands(connection: socket.socket) -> Iterator[str]:
    """The verbs that a client sends, and `.` for a whole mail. Each but DATA has to be answered."""
    connection.sendall(b"220 here\r\n")
    in_data = False
    for line in connection.makefile("rb"):
        if in_data and line != b".\r\n":
            continue
        verb = line.split()[0].decode().upper()
        in_data = verb == "DATA"
        if in_data:
            connection.sendall(b"354 go on\r\n")
        else:
            yield verb


@contextlib.contextmanager
def silent(*, after_data: bool = False) -> Iterator[tuple[int, threading.Event]]:
    """The port of a server that says nothing, or nothing more once it has a whole mail; and when it got there."""
    reached = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    connections.append(connection)
                    threading.Thread(target=_keep_silent, args=(connection, after_data, reached), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], reached
        # Wakes the thread that accepts.
        listener.shutdown(socket.SHUT_RDWR)
        for connection in connections:
            connection.close()


def _keep_silent(connection: socket.socket, after_data: bool, reached: threading.Event) -> None:
    if not after_data:
        reached.set()
        return
    in_data = False
    with contextlib.suppress(OSError), connection.makefile("rb") as lines:
        connection.sendall(b"220 here\r\n")
        for line in lines:
            if line == b".\r\n":
                reached.set()
                return
            if not in_data:
                in_data = line.upper().startswith(b"DATA")
                connection.sendall(b"354 go on\r\n" if in_data else b"250 OK\r\n")
