"""Support for chunked bodies (RFC 9112 §7.1), which Django reads as empty because they have no CONTENT_LENGTH."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from django.core.exceptions import RequestDataTooBig

from accounts.conf import latchkey

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Stream(Protocol):
    """The part of `wsgi.input` (PEP 3333) that Django uses."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""

    def readline(self, size: int, /) -> bytes:
        """At most `size` bytes of a line."""


class BoundedStream:
    """A stream that raises RequestDataTooBig after `limit` bytes, and OSError if the body cannot be read."""

    def __init__(self, stream: Stream, limit: int) -> None:
        self._stream = stream
        self._remaining = limit

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        return self._read_counted(self._stream.read, size)

    def readline(self, size: int) -> bytes:
        """At most `size` bytes of a line."""
        return self._read_counted(self._stream.readline, size)

    def _read_counted(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
            self._remaining -= len(data)
            # Django reads no more than CONTENT_LENGTH, which is the limit, so it would not notice a longer body.
            too_large = self._remaining <= 0 and self._stream.read(1)
        except OSError:
            raise
        except Exception as error:
            # gunicorn raises errors of several types. Django expects OSError for an unreadable body.
            raise OSError(type(error).__name__) from error
        if too_large:
            raise RequestDataTooBig("The body is larger than LIMIT_BODY_BYTES.")
        return data


def with_chunked_bodies(application: Application) -> Application:
    """Make the application read bodies that the server has decoded (`wsgi.input_terminated`), within the body limit."""

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in environ:
            limit = latchkey().max_body_bytes
            environ["wsgi.input"] = BoundedStream(environ["wsgi.input"], limit)
            # Django reads at most this much, and stops earlier where the stream ends.
            environ["CONTENT_LENGTH"] = str(limit)
        return application(environ, start_response)

    return wrapped
