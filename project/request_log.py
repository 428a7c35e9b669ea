"""What the log says of a request: its id, and none of its secrets."""

import contextlib
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from accounts.conf import latchkey
from accounts.shared import tracing
from project.chunked import Application, Stream
from project.proxies import REQUEST_ID

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)

REDACTED = "[redacted]"
TELLING = (
    r"(?<!\w)(?=\w)(?>\w*?"
    r"(?:password|passwd|secret|token|code|credential|nonce|flow|state|authorization|cookie|challenge))\w*+"
)
"""A word that says that a secret follows. Atomic: each word is read once, else a long one freezes the worker (S80)."""
OPAQUE = re.compile(r"(?<![\w-])[\w-]{40,}(?![\w-])")
"""What is long and without a space is a token, a secret, a code or a hash of one: ours, a client's or a provider's."""
NAMED = re.compile(
    rf"""({TELLING}\\?["']?\s*+[:=]\s*+\\?["']?(?:(?:Basic|Bearer)\s++)?)[^\s"'\\,&)}}]+""", re.IGNORECASE
)
"""What stands behind a telling name, in JSON, in a query, in a form or in a repr."""
IN_URL = re.compile(r"""://[^\s/?#"']*@""")
"""User and password before a host."""
IN_JSON = r""""((?:[^"\\]|\\.)++)"""
IN_GRAPHQL = r"""\\"(?:\\"\\"|(?!\\"))((?:[^"\\]|\\\\(?:\\.|[^"\\])|\\[^"\\])++)"""
"""A literal of a query that is itself a string of JSON."""
STRINGS = re.compile(rf"""{TELLING}"?\s*+[:=]\s*+(?:{IN_GRAPHQL}|{IN_JSON})""", re.IGNORECASE | re.DOTALL)
SHORTEST = 4
"""Shorter strings are not searched for: they would be found in every other word."""
MOST = 100
"""So many strings of a request are searched for; no client of ours sends more secrets."""


class BodyUnknown(Exception):
    """The request has a body that cannot be searched for secrets."""


class Kept:
    """`wsgi.input`, keeping what is read of it: a secret of the body can be logged only once it was read here."""

    def __init__(self, stream: Stream, most: int) -> None:
        self._stream = stream
        self._left = most
        self._parts: list[bytes] = []

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        return self._keep(self._stream.read(size))

    def readline(self, size: int) -> bytes:
        """At most `size` bytes of a line."""
        return self._keep(self._stream.readline(size))

    def _keep(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left >= 0:
            self._parts.append(data)
        else:
            self._parts.clear()
        return data

    def content(self) -> bytes:
        """What was read. Raises BodyUnknown for more than is kept: an upload, which Django stores in a file."""
        if self._left < 0:
            raise BodyUnknown
        return b"".join(self._parts)


def keeping_bodies(application: Application) -> Application:
    """The application, with the part of each body that was read at hand for the log."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Kept(environ["wsgi.input"], latchkey().max_body_bytes)
        return application(environ, start_response)

    return answer


class RequestLogMiddleware:
    """Gives each request an id (also in `X-Request-ID`) and lets the log know which request it is about.

    It is the one that a trusted proxy has given it (project/proxies.py), or a new one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the id on the answer."""
        request.id = request.META.get(REQUEST_ID) or uuid.uuid4().hex  # type: ignore[attr-defined]  # ours
        known = _request.set(request)
        try:
            response = self.get_response(request)
        finally:
            _request.reset(known)
        response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response


class RequestFilter(logging.Filter):
    """For the handlers, so that every logger's records pass it, libraries' at DEBUG included (S47)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the request's id, and render the record without secrets."""
        # Django logs 4xx answers after the middleware has returned, and attaches the request.
        request = _request.get() or getattr(record, "request", None)
        record.request_id = getattr(request, "id", "")
        record.trace_id = tracing.tracer.trace_id()
        if event := getattr(record, "security_event", None):
            record.security_event = event = _without_secrets(event, request)
            record.msg, record.args = json.dumps(event, default=described), None
            return True
        try:
            secrets = _secrets_of(request) if request else []
        except BodyUnknown:
            # The name of the logger, the level and the id are left.
            record.msg, record.args, record.exc_info, record.exc_text = REDACTED, None, None, None
            record.stack_info = None
            return True
        message = _message_of(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.msg, record.args = scrubbed(message, secrets), None
        if record.exc_text:
            record.exc_text = scrubbed(record.exc_text, secrets)
        if record.stack_info:
            record.stack_info = scrubbed(record.stack_info, secrets)
        return True


def _message_of(record: logging.LogRecord) -> str:
    """The message with its arguments. A call that does not fit its arguments must not fail the request it is about.

    Python would print such arguments as they are, secrets included.
    """
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - `__str__` and `__format__` of anything
        return f"{described(record.msg)} (with arguments that cannot be shown)"


def described(value: object) -> str:
    """A text for what JSON cannot hold."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the log must not fail because of what is logged
        return f"<{type(value).__name__} that cannot be shown>"


def scrubbed(text: str, secrets: list[str]) -> str:
    """Without these secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return OPAQUE.sub(REDACTED, NAMED.sub(rf"\1{REDACTED}", IN_URL.sub(f"://{REDACTED}@", text)))


def _without_secrets(event: dict[str, str], request: HttpRequest | None) -> dict[str, str]:
    """The security event. Only the agent is in the client's own words, and only it is scrubbed.

    If all were, a client could garble its own failure, by a password such as "account:login:failure".
    """
    if "agent" not in event:
        return event
    try:
        return {**event, "agent": scrubbed(event["agent"], _secrets_of(request) if request else [])}
    except BodyUnknown:
        return {**event, "agent": REDACTED}


def _secrets_of(request: HttpRequest) -> list[str]:
    """What the request carries in places where secrets are, longest first. Looked for when something is logged.

    Raises BodyUnknown.
    """
    body = _body_of(request)
    size, found = getattr(request, "secrets", (-1, []))
    if size != len(body):
        found = sorted(set(islice(_find_secrets(request, body), MOST)), key=len, reverse=True)
        request.secrets = len(body), found  # type: ignore[attr-defined]  # ours
    return found


def _body_of(request: HttpRequest) -> bytes:
    """The part of the body that was read. Raises BodyUnknown where `keeping_bodies` is not around the application."""
    stream = request.META.get("wsgi.input")
    if isinstance(stream, Kept):
        return stream.content()
    if request.META.get("CONTENT_LENGTH", "") not in {"", "0"} or "HTTP_TRANSFER_ENCODING" in request.META:
        raise BodyUnknown
    return b""


def _find_secrets(request: HttpRequest, body: bytes) -> Iterator[str]:
    # Not `request.COOKIES`, which may take quadratic time: this also runs before any middleware bounds it (S80).
    cookies = (part.partition("=")[2].strip(' "') for part in request.META.get("HTTP_COOKIE", "").split(";"))
    yield from (value for value in cookies if len(value) >= SHORTEST)
    for match in STRINGS.finditer(body.decode(errors="replace")):
        text = match[1] or match[2]
        # As it was written, and as it is: in GraphQL it is escaped twice.
        for _level in range(3):
            if len(text) >= SHORTEST:
                yield text
            if "\\" not in text:
                break
            with contextlib.suppress(ValueError):
                text = str(json.loads(f'"{text}"', strict=False))
