"""HTTP/1.1 as bytes on a socket: what clients that are stricter, odder or worse than the usual libraries send."""

import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """What came back until the server closed."""

    status: int
    headers: dict[str, str]
    """By their lower-case names; of a header that came twice, both values with a comma."""
    body: bytes
    """Every byte after the headers; still in chunks, if the server sent it so."""


def send(url: str, request: bytes, *, timeout: float = 30) -> Reply:
    """Send the bytes to the server of the URL, and read until it closes. Raises OSError."""
    address = urlsplit(url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout) as connection:
        connection.sendall(request)
        return parsed(b"".join(iter(lambda: connection.recv(65536), b"")))


def parsed(raw: bytes) -> Reply:
    """The parts of an answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known = headers.get(name.lower())
        headers[name.lower()] = value.strip() if known is None else f"{known}, {value.strip()}"
    return Reply(int(status.split()[1]), headers, body)


def message(method: str, path: str, body: bytes = b"", **headers: Any) -> bytes:
    """A request that ends its connection. Underscores in header names stand for hyphens."""
    sent = {"Host": "localhost", "Connection": "close", **{n.replace("_", "-"): v for n, v in headers.items()}}
    if body and "Transfer-Encoding" not in sent:
        sent["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def chunked(*parts: bytes) -> bytes:
    """A body in these chunks (RFC 9112 §7.1)."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
