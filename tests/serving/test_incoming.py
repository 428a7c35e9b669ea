"""Where a request ends: our reading and that of gunicorn's parser, which gets no byte beyond it."""

import time

import pytest
from gunicorn import http
from gunicorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from project.incoming import LARGEST_HEAD, Incoming
from tests.wire import chunked

LIMIT = 1000
CLIENT = ("127.0.0.1", 5)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


def with_length(body: bytes) -> bytes:
    """A request that names the length of its body."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def in_chunks(parts: list[bytes]) -> bytes:
    """A request whose body comes in these chunks."""
    return HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + chunked(*parts)


def read(*pieces: bytes) -> Incoming:
    """What has come in these pieces."""
    incoming = Incoming(LIMIT)
    for piece in pieces:
        incoming.feed(piece)
    return incoming


def parsed(request: bytes) -> tuple[bytes, bytes]:
    """The body as gunicorn reads it, and what it leaves."""
    parser = http.get_parser(Config(), [request], CLIENT)
    body = next(parser).body.read()
    return body, parser.unreader.read()


bodies = st.binary(max_size=200)
requests = st.one_of(
    bodies.map(with_length),
    st.lists(st.binary(min_size=1, max_size=60), max_size=6).map(in_chunks),
    st.just(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    st.just(in_chunks([b"ab"])[:-2] + b"Trailer-Field: x\r\n\r\n"),
    st.just(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;name=value\r\nab\r\n0\r\n\r\n"),
)


@given(st.lists(requests, min_size=1, max_size=4), st.data())
def test_requests_end_where_they_end_whatever_the_pieces(sent, data):
    """One after the other, split anywhere; gunicorn's parser finds each of them complete, and nothing behind it."""
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    incoming = read(*(stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)))
    for request in sent:
        assert incoming.complete
        assert incoming.whole
        assert incoming.take() == request
        assert parsed(request)[1] == b""
        incoming.look()

    assert not incoming.complete
    assert len(incoming) == 0


@given(requests, st.data())
def test_a_request_is_not_complete_before_its_last_byte(request_, data):
    """A thread would wait for it."""
    cut = data.draw(st.integers(0, len(request_) - 1))

    assert not read(request_[:cut]).complete


def test_empty_lines_before_a_request_are_ignored():
    """RFC 9112 §2.2."""
    request = with_length(b"abc")

    assert read(b"\r\n\r", b"\n" + request).take() == request


REFUSED = {
    "a length and chunks": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n",
    "a list of lengths": HEAD + b"Content-Length: 3, 3\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -3\r\n\r\n",
    "a signed length": HEAD + b"Content-Length: +3\r\n\r\n",
    "a length with an underscore": HEAD + b"Content-Length: 1_0\r\n\r\n",
    "a length of another script": HEAD + "Content-Length: ٣\r\n\r\n".encode(),
    "a length of 5,000 digits": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "an empty length": HEAD + b"Content-Length:\r\n\r\n",
    "an unknown coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "two codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a size that is none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a negative size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "a chunk longer than its size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
    "a size without end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 9000,
    "a body over the limit": HEAD + b"Content-Length: 1001\r\n\r\n",
    "chunks over the limit": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + b"x" * 1001,
    "trailers without end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"x" * (LARGEST_HEAD + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_without_a_certain_end_is_the_last_one(name):
    """S45: the parser refuses it, or the service does, and nobody waits for the rest. What follows is no request."""
    incoming = read(REFUSED[name])
    follows = b"GET /healthz HTTP/1.1\r\n\r\n"
    incoming.feed(follows)

    assert incoming.complete
    assert not incoming.whole
    assert incoming.take() == REFUSED[name] + follows


@pytest.mark.parametrize("name", [name for name in REFUSED if "limit" not in name])
def test_gunicorn_refuses_a_request_without_a_certain_end(name):
    """Else the service would run what it has understood otherwise. Without the rest, that is an error too."""
    with pytest.raises((http.errors.ParseException, OSError, ValueError)):
        parsed(REFUSED[name])


def test_headers_without_end_are_too_large():
    """S92: no more of them is kept."""
    incoming = read(b"GET / HTTP/1.1\r\n", b"x" * LARGEST_HEAD)

    assert incoming.head_is_too_large
    assert not incoming.complete


def test_a_body_that_is_mostly_sizes_of_chunks_is_refused():
    """S80: a chunk costs as much CPU as hundreds of bytes. Those of ten bytes are served, up to the limit."""
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    tiny, small = Incoming(128 * 1024), Incoming(128 * 1024)
    tiny.feed(head + b"1\r\nx\r\n" * 60_000)
    small.feed(head + b"a\r\n0123456789\r\n" * 13_107 + b"0\r\n\r\n")

    assert tiny.complete
    assert not tiny.whole
    assert small.whole


def test_only_http_1_1_expects_100_continue():
    """RFC 9110 §10.1.1."""
    request = HEAD + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"

    assert read(request).expects_continue
    assert not read(request.replace(b"HTTP/1.1", b"HTTP/1.0")).expects_continue


WORST = {
    "headers": [b"a"] * 60_000,
    "chunks of a byte": [b"1\r\nx\r\n" * 1000] * 120,
    "chunks of a byte, byte by byte": [bytes([byte]) for byte in b"1\r\nx\r\n" * 20_000],
    "long sizes": [b"1;" + b"x" * 8000 + b"\r\nx\r\n"] * 100,
    "trailers": [b"0\r\n", *[b"x"] * 60_000],
    "empty lines": [b"\r\n" * 30_000] * 10,
}


@pytest.mark.parametrize("name", WORST)
def test_reading_takes_time_in_proportion_to_what_was_sent(name):
    """S80. Quadratic work would take minutes."""
    incoming = Incoming(128 * 1024)
    if name not in {"headers", "empty lines"}:
        incoming.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    began = time.process_time()
    for piece in WORST[name]:
        incoming.feed(piece)

    assert time.process_time() - began < 5
