"""Ask a provider over HTTP within firm limits: total time, size, no redirect, no proxy, no private address (S37).

On the standard library because the limit on time is for the whole exchange. `requests` limits each read of a
socket, so that a server which drips its answer holds a worker as long as it likes; and urllib3 logs URLs.
Nor is anything decompressed here: a few bytes can be gigabytes.
"""

import functools
import io
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""
RETIRED = tuple(map(ipaddress.IPv6Network, ("fec0::/10", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))
"""Site-local, NAT64 within a network (RFC 8215), and IPv4 inside IPv6 in forms that nobody needs (RFC 4291, 7915)."""


class NoAnswer(Exception):
    """There is no proper answer. The text says why in our own words, never in the server's."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status and JSON."""

    status: int
    content: Any


class Deadline:
    """The moment until which everything has to be done."""

    def __init__(self, *, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds until then. Raises TimeoutError once there are none."""
        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an exchange may take, and where it may go."""

    deadline: Deadline
    max_bytes: int
    private: bool
    """Whether the server may be at a private address, and be asked without TLS."""


def fetch(url: str, *, method: str, headers: Mapping[str, str], body: bytes | None = None, limits: Limits) -> Answer:
    """The answer to a request. Raises NoAnswer.

    Only the resolving of the host's name is not bounded by the deadline but by the system's resolver.
    """
    try:
        return _fetch(url, method=method, headers=headers, body=body, limits=limits)
    except TimeoutError:
        raise NoAnswer("timed out") from None
    except ssl.SSLError as error:
        raise NoAnswer(f"TLS failed ({error.reason})") from None
    except OSError as error:
        raise NoAnswer(f"connection failed ({error.strerror})") from None
    except (HTTPException, ValueError, RecursionError):
        # `from None`: the texts of these quote the answer.
        raise NoAnswer("not HTTP with JSON") from None


def _fetch(url: str, *, method: str, headers: Mapping[str, str], body: bytes | None, limits: Limits) -> Answer:
    target = urlsplit(url)
    with closing(_connect(target, limits)) as sock:
        connection = HTTPConnection(target.netloc)
        connection.sock = sock
        connection.request(
            method,
            target._replace(scheme="", netloc="", fragment="").geturl() or "/",
            body=body if body is not None else b"" if method == "POST" else None,
            headers={"Host": target.netloc, "User-Agent": "Latchkey", "Accept": "application/json", **headers},
        )
        # Of a socket, it uses `makefile` only.
        response = HTTPResponse(_TimedReader(sock, limits.deadline), method=method)  # type: ignore[arg-type]
        response.begin()
        content = response.read(limits.max_bytes + 1)
    if len(content) > limits.max_bytes:
        raise NoAnswer(f"HTTP {response.status}, too large")
    return Answer(status=response.status, content=json.loads(content))


def _connect(target: SplitResult, limits: Limits) -> socket.socket:
    secure = target.scheme == "https"
    if not secure and not (limits.private and target.scheme == "http"):
        raise NoAnswer("no https URL")
    host, port = target.hostname or "", target.port or (443 if secure else 80)
    sock = _first_connection(host, port, limits)
    if not secure:
        return sock
    try:
        sock.settimeout(limits.deadline.remaining())
        return _tls().wrap_socket(sock, server_hostname=host)
    except OSError:
        sock.close()
        raise


def _first_connection(host: str, port: int, limits: Limits) -> socket.socket:
    """To the first address that answers, each given half of the time left.

    So IPv6 that leads nowhere leaves time for IPv4. The addresses that are judged are those connected to: a name that
    resolves to another one the next time gains nothing.
    """
    failure: Exception = OSError()
    for *_kind, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not (limits.private or _is_public(str(address[0]))):
            failure = NoAnswer("private address")
            continue
        try:
            return socket.create_connection((str(address[0]), port), timeout=limits.deadline.remaining() / 2)
        except OSError as error:
            failure = error
    raise failure


def _is_public(address: str) -> bool:
    """Whether it is on the internet, and not in our own network (SSRF)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    # An IPv6 address that carries an IPv4 one leads there.
    carried: ipaddress.IPv4Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in RETIRED):
            return False
        carried = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    judged = carried or ip
    return judged.is_global and not judged.is_multicast


@functools.cache
def _tls() -> ssl.SSLContext:
    """Trusts the system's list of authorities (SSL_CERT_FILE), and certifi's for systems that have none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class _TimedReader(io.RawIOBase):
    """What HTTPResponse takes for a socket. However small the pieces, reading ends at the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The file that HTTPResponse reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As a socket's file. Raises TimeoutError."""
        self._sock.settimeout(self._deadline.remaining())
        return self._sock.recv_into(buffer)
