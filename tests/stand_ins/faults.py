"""What can be wrong with a server. Each spoils the answer that it would have given."""

import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.stand_ins.server import Handler

HTML = b"<!doctype html><title>SENTINEL-BODY</title>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def hangs_up(handler: "Handler", status: int, body: bytes) -> None:
    """Closes without a word."""


def silent(handler: "Handler", status: int, body: bytes) -> None:
    """Takes the request, and waits."""
    handler.server.providers.released.wait(30)


def drips_headers(handler: "Handler", status: int, body: bytes) -> None:
    """Never gets to the body."""
    handler.drip(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 60_000)


def drips_body(handler: "Handler", status: int, body: bytes) -> None:
    """Never gets to the end."""
    handler.wfile.write(HEAD + b"Content-Length: 60000\r\n\r\n")
    handler.drip(b'{"filler": "' + b"x" * 60_000)


def drips_chunks(handler: "Handler", status: int, body: bytes) -> None:
    """One byte a chunk."""
    handler.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    handler.drip(b"1\r\n \r\n" * 10_000)


def continues(handler: "Handler", status: int, body: bytes) -> None:
    """Promises an answer over and over."""
    handler.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)


def html(handler: "Handler", status: int, body: bytes) -> None:
    """A page for people."""
    handler.reply(status, HTML, "text/html")


def garbage(handler: "Handler", status: int, body: bytes) -> None:
    """No JSON, and no UTF-8."""
    handler.reply(status, b"\xff\xfeSENTINEL-BODY{]")


def no_http(handler: "Handler", status: int, body: bytes) -> None:
    """Another protocol."""
    handler.wfile.write(b"SENTINEL-BODY and no HTTP at all\r\n\r\n")


def empty(handler: "Handler", status: int, body: bytes) -> None:
    """Nothing."""
    handler.reply(status, b"")


def array(handler: "Handler", status: int, body: bytes) -> None:
    """JSON, but no object."""
    handler.reply(status, b"[" + body + b"]")


def nested(handler: "Handler", status: int, body: bytes) -> None:
    """Deeper than a parser's stack."""
    handler.reply(status, b"[" * 100_000)


def truncated(handler: "Handler", status: int, body: bytes) -> None:
    """Hangs up before the end."""
    handler.wfile.write(HEAD + b"Content-Length: 60000\r\n\r\n" + body[:-1])


def huge(handler: "Handler", status: int, body: bytes) -> None:
    """Right, and 2 MB."""
    handler.reply(status, body[:-1] + b', "filler": "' + b"x" * 2_000_000 + b'"}')


def gzip_bomb(handler: "Handler", status: int, body: bytes) -> None:
    """10 KB that are 10 MB."""
    handler.reply(status, gzip.compress(b" " * 10_000_000 + body), Content_Encoding="gzip")


def redirect(handler: "Handler", status: int, body: bytes) -> None:
    """Elsewhere."""
    handler.reply(302, body, Location=f"{handler.server.providers.url}/elsewhere")


def internal_error(handler: "Handler", status: int, body: bytes) -> None:
    """500 in JSON."""
    handler.reply(500, b'{"error": "SENTINEL-BODY"}')


def internal_error_html(handler: "Handler", status: int, body: bytes) -> None:
    """500 as a page."""
    handler.reply(500, HTML, "text/html")


def too_many_requests(handler: "Handler", status: int, body: bytes) -> None:
    """429."""
    handler.reply(429, b'{"error": "SENTINEL-BODY"}')


def refusal_in_html(handler: "Handler", status: int, body: bytes) -> None:
    """403 of something in between, not of the provider."""
    handler.reply(403, HTML, "text/html")


TIMELESS = (silent, drips_headers, drips_body, drips_chunks, continues)
"""Those that only a limit on time ends."""
AT_ONCE = (
    hangs_up,
    html,
    garbage,
    no_http,
    empty,
    array,
    nested,
    truncated,
    huge,
    gzip_bomb,
    redirect,
    internal_error,
    internal_error_html,
    too_many_requests,
    refusal_in_html,
)
