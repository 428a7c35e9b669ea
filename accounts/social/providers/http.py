"""An HTTP client within firm limits: total time, size, no redirect, no proxy, no private address (S37).

It uses the standard library, because the time limit is for the whole exchange. `requests` limits each read of a socket,
so a server that sends its answer byte by byte holds a worker as long as it likes; and urllib3 logs URLs. Nothing is
decompressed: a few bytes can become gigabytes.
"""

import io
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

from accounts.social.providers.single_flight import SingleFlight, in_a_thread

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""
RETIRED = tuple(map(ipaddress.IPv6Network, ("fec0::/10", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))
"""Site-local, NAT64 within a network (RFC 8215), and obsolete forms of IPv4 inside IPv6 (RFC 4291, 7915)."""

Address = tuple[Any, ...]
"""The form that getaddrinfo returns."""
LOOK_UPS = SingleFlight[list[Address]]()


class NoAnswer(Exception):
    """There is no usable answer. The text gives the cause in our own words, never in the server's."""


class Silence(NoAnswer):
    """The server did not answer."""


class Unreadable(NoAnswer):
    """The server answered, but not with HTTP and JSON."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The status, and the JSON, or None for an empty body; for `application/jwt`, the JWT as text."""

    status: int
    content: Any


class Deadline:
    """The moment when all requests of an exchange must be done."""

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
    """Limits on an exchange: its time, the size of each answer, and the addresses that it may reach."""

    deadline: Deadline
    max_bytes: int
    private: bool
    """Whether the server may be at a private address, and be asked without TLS."""


def fetch(url: str, *, method: str, headers: Mapping[str, str], body: bytes | None = None, limits: Limits) -> Answer:
    """Send a request and return the answer. Raises NoAnswer."""
    try:
        return _fetch(url, method=method, headers=headers, body=body, limits=limits)
    except TimeoutError:
        raise Silence("timed out") from None
    except ssl.SSLError as error:
        raise NoAnswer(f"TLS failed ({error.reason})") from None
    except OSError as error:
        raise Silence(f"connection failed ({error.strerror})") from None
    except (HTTPException, ValueError, RecursionError):
        # `from None`: the texts of these exceptions quote the answer.
        raise Unreadable("not HTTP with JSON") from None


def _fetch(url: str, *, method: str, headers: Mapping[str, str], body: bytes | None, limits: Limits) -> Answer:
    target = urlsplit(url)
    with closing(_connect(target, limits)) as sock:
        connection = HTTPConnection(target.netloc)
        connection.sock = sock
        sock.settimeout(limits.deadline.remaining())
        connection.request(
            method,
            target._replace(scheme="", netloc="", fragment="").geturl() or "/",
            body=body if body is not None else b"" if method == "POST" else None,
            headers={"Host": target.netloc, "User-Agent": "Latchkey", "Accept": "application/json", **headers},
        )
        # HTTPResponse uses only `makefile` of a socket.
        response = HTTPResponse(_TimedReader(sock, limits.deadline), method=method)  # type: ignore[arg-type]
        response.begin()
        content = response.read(limits.max_bytes + 1)
    if len(content) > limits.max_bytes:
        raise Unreadable(f"HTTP {response.status}, too large")
    if not content:
        return Answer(status=response.status, content=None)
    signed = response.headers.get_content_type() == "application/jwt"
    return Answer(status=response.status, content=content.decode("ascii") if signed else json.loads(content))


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
    """Connect to the first address that answers; each gets half of the time left, so dead IPv6 leaves time for IPv4.

    The address that is checked is the one connected to: a name that resolves differently next time gains nothing.
    """
    failure: Exception = OSError()
    for *_kind, address in _resolved(host, port, limits.deadline):
        if not (limits.private or _is_public(str(address[0]))):
            failure = NoAnswer("private address")
            continue
        try:
            return socket.create_connection((str(address[0]), port), timeout=limits.deadline.remaining() / 2)
        except OSError as error:
            failure = error
    raise failure


def _resolved(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Resolve a host in a separate thread, because the system's resolver has no time limit.

    Concurrent look-ups of a host share one thread, so that a resolver that hangs does not collect threads.
    """
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return LOOK_UPS.share((host, port), look_up, run=in_a_thread).result(deadline.remaining())


def _is_public(address: str) -> bool:
    """Whether the address is on the internet, and not in our own network (SSRF)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    # An IPv6 address that contains an IPv4 address leads there.
    inner: ipaddress.IPv4Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in RETIRED):
            return False
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    checked = inner or ip
    return checked.is_global and not checked.is_multicast


@cache
def _tls() -> ssl.SSLContext:
    """Trusts the system's list of authorities (SSL_CERT_FILE), and certifi's for systems that have none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class _TimedReader(io.RawIOBase):
    """Stands in for HTTPResponse's socket. Reading ends at the deadline, however small the pieces are."""

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
        """Read as a socket's file does. Raises TimeoutError."""
        self._sock.settimeout(self._deadline.remaining())
        return self._sock.recv_into(buffer)
