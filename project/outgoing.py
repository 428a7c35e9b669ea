"""What a connection has yet to send: a client that reads slowly holds memory or a file, and no thread (S92)."""

import errno
import os
import select
import socket
import time
from collections import deque
from typing import BinaryIO

SMALL = 16 * 1024
"""Bytes that wait for more before they are sent, so that headers and body travel together."""
MOST = 256 * 1024
"""Bytes of responses in memory that a client may leave unread. Files are sent from the disk."""
PATIENCE = 10
"""Seconds that a thread waits for a client that leaves more unread."""
PIECE = 256 * 1024
"""Bytes of a file in one call."""


class File:
    """A part of a file, by a descriptor of its own."""

    def __init__(self, descriptor: int, offset: int, count: int) -> None:
        self._descriptor, self._offset, self._left = os.dup(descriptor), offset, count

    def __len__(self) -> int:
        return self._left

    def send(self, connection: socket.socket) -> None:
        """Send some of it. Raises BlockingIOError, or OSError."""
        sent = os.sendfile(connection.fileno(), self._descriptor, self._offset, min(self._left, PIECE))
        if sent == 0:
            # The client waits for what Content-Length has promised.
            raise BrokenPipeError(errno.EPIPE, "The file has become shorter.")
        self._offset += sent
        self._left -= sent

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


class Outgoing:
    """A socket as far as gunicorn's responses use one. It never blocks, except for more than MOST bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parts: deque[bytearray | File] = deque()

    @property
    def size(self) -> int:
        """How many bytes of memory are left to send."""
        return sum(len(part) for part in self._parts if isinstance(part, bytearray))

    @property
    def left(self) -> int:
        """How many bytes are left to send, those of files included."""
        return sum(map(len, self._parts))

    def sendall(self, data: bytes) -> None:
        """Send it, or keep what the client does not read yet."""
        if not self._parts or isinstance(self._parts[-1], File):
            self._parts.append(bytearray())
        self._parts[-1] += data  # type: ignore[operator]  # the last is no file
        if self.size >= SMALL:
            self.flush()
            self._wait()

    def send(self, data: bytes) -> int:
        """Like `sendall`."""
        self.sendall(data)
        return len(data)

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> None:
        """Send a part of a file, which may be closed afterwards."""
        size = os.fstat(file.fileno()).st_size - offset if count is None else count
        if size:
            self._parts.append(File(file.fileno(), offset, size))
        self.flush()

    def flush(self) -> bool:
        """Send what the client reads now; whether that is all. Raises OSError, if the connection is gone."""
        try:
            while self._parts:
                part = self._parts[0]
                if isinstance(part, File):
                    part.send(self._connection)
                else:
                    del part[: self._connection.send(part)]
                if not len(part):
                    self._drop_first()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give up what is left."""
        while self._parts:
            self._drop_first()

    def _drop_first(self) -> None:
        part = self._parts.popleft()
        if isinstance(part, File):
            part.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        poll = select.poll()
        poll.register(self._connection, select.POLLOUT)
        while self.size > MOST:
            if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
                raise BrokenPipeError(errno.EPIPE, "The client does not read.")
            self.flush()

    # What else gunicorn does with a socket. The worker, not the thread, closes it.

    def gettimeout(self) -> float:
        """None of its calls blocks."""
        return 0.0

    def setblocking(self, _flag: object) -> None:
        """It stays as it is."""

    def shutdown(self, _how: int) -> None:
        """Raise OSError: whoever gives a response up must not wait for the client here."""
        raise OSError(errno.ENOTCONN, "The worker closes connections.")
