"""What a connection has sent so far, and where the request at its beginning ends (RFC 9112 §6).

Only that: gunicorn's parser reads and judges each request. It gets no byte beyond the end that is found here, so that
two readings of one request cannot make two requests of it. A request whose end cannot be told is `complete` at once:
the parser refuses it, and the connection ends.

The work is linear in what was sent (S80).
"""

import re
from collections.abc import Callable

LARGEST_HEAD = 64 * 1024
"""Bytes of request line and headers. The headers of one that we serve have half of it (project/middleware.py)."""
LARGEST_LINE = 8190
"""Bytes of a line in a chunked body before gunicorn refuses it."""
OVERHEAD = 2
"""The size of a chunked body on the wire, for each byte that it may have, besides LARGEST_HEAD. 128 KiB in chunks of a
byte would take half a second of CPU (S80)."""
SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}[ \t]*(?:;.*)?", re.DOTALL)
LENGTH = re.compile(rb"[0-9]{1,18}")
CRLF = b"\r\n"


class Incoming:
    """The bytes that have not been served yet."""

    def __init__(self, largest_body: int) -> None:
        self._largest_body = largest_body
        self._data = bytearray()
        self._begin()

    def _begin(self) -> None:
        self.complete = False
        """Whether a thread can serve the request without waiting for more of it."""
        self.whole = False
        """Whether the request ends where it seems to, so that another may follow."""
        self.head_is_complete = False
        self.expects_continue = False
        """Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1)."""
        # No method of this object: a cycle of references would keep the bytes until Python looks for cycles.
        self._step: Callable[[Incoming], bool] = Incoming._find_head
        self._at = self._searched = self._end = self._body = 0

    def __len__(self) -> int:
        return len(self._data)

    @property
    def head_is_too_large(self) -> bool:
        """Whether there is no end of the headers within LARGEST_HEAD."""
        return not self.head_is_complete and len(self._data) > LARGEST_HEAD

    def feed(self, data: bytes) -> None:
        """Append what came."""
        self._data += data
        self.look()

    def look(self) -> None:
        """Search for the end of the request."""
        while not self.complete and self._step(self):
            pass

    def take(self) -> bytes:
        """Remove and return the complete request; all there is, if its end is unknown."""
        end = self._end if self.whole else len(self._data)
        request = bytes(self._data[:end])
        del self._data[:end]
        self._begin()
        return request

    # Each step returns whether the next one has something to do.

    def _find_head(self) -> bool:
        while self._data.startswith(CRLF):
            # RFC 9112 §2.2: empty lines before a request are ignored.
            del self._data[:2]
            self._searched = 0
        end = self._find(b"\r\n\r\n")
        if end < 0 or end > LARGEST_HEAD:
            return False
        self.head_is_complete = True
        self._at = self._searched = end + 4
        self._choose_body(bytes(self._data[:end]))
        return True

    def _choose_body(self, head: bytes) -> None:
        line, *fields = head.split(CRLF)
        pairs = [(name.lower(), value.strip(b" \t")) for name, _, value in (field.partition(b":") for field in fields)]
        lengths = [value for name, value in pairs if name == b"content-length"]
        codings = [value.lower() for name, value in pairs if name == b"transfer-encoding"]
        if codings == [b"chunked"] and not lengths:
            self._step = Incoming._read_size
        elif codings or (length := _length(lengths)) is None or length > self._largest_body:
            self._refuse()
        else:
            self._end = self._at + length
            self._step = Incoming._await_end
        expected = any(name == b"expect" and value.lower() == b"100-continue" for name, value in pairs)
        self.expects_continue = expected and line.endswith(b"HTTP/1.1")

    def _await_end(self) -> bool:
        if len(self._data) >= self._end:
            self.complete = self.whole = True
        return False

    def _read_size(self) -> bool:
        """Read the line with the size of a chunk."""
        end = self._find(CRLF)
        if end < 0 or not SIZE.fullmatch(line := self._data[self._at : end]):
            if end >= 0 or len(self._data) - self._at > LARGEST_LINE:
                self._refuse()
            return False
        size = int(line.partition(b";")[0], 16)
        self._at = self._searched = end + 2
        self._body += size
        if size == 0:
            self._step = Incoming._find_trailers
        elif self._body > self._largest_body:
            # One byte too many is enough for the refusal.
            self._end = self._at + size - (self._body - self._largest_body) + 1
            self._step = Incoming._await_excess
        else:
            self._end = self._at + size
            self._step = Incoming._await_chunk
        return True

    def _await_chunk(self) -> bool:
        after = self._end + 2
        if len(self._data) < after:
            return False
        if self._data[self._end : after] != CRLF or len(self._data) > LARGEST_HEAD + OVERHEAD * self._largest_body:
            self._refuse()
        self._at = self._searched = after
        self._step = Incoming._read_size
        return True

    def _await_excess(self) -> bool:
        if len(self._data) >= self._end:
            self._refuse()
        return False

    def _find_trailers(self) -> bool:
        if self._data.startswith(CRLF, self._at):
            self._end = self._at + 2
        elif (end := self._find(b"\r\n\r\n")) >= 0:
            self._end = end + 4
        else:
            if len(self._data) - self._at > LARGEST_HEAD:
                self._refuse()
            return False
        self._step = Incoming._await_end
        return True

    def _refuse(self) -> None:
        """The parser says what is wrong, from what has come so far."""
        self.complete = True

    def _find(self, what: bytes) -> int:
        """Search from where the last search ended."""
        found = self._data.find(what, max(self._searched - len(what) + 1, self._at))
        self._searched = len(self._data)
        return found


def _length(lengths: list[bytes]) -> int | None:
    """The number in the only header; None if there are several, or if it holds none."""
    if not lengths:
        return 0
    return int(lengths[0]) if len(lengths) == 1 and LENGTH.fullmatch(lengths[0]) else None
