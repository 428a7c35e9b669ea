"""What the log says of a request: its id, and none of its secrets."""

import logging
import re
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)

REDACTED = "[redacted]"
OPAQUE = re.compile(r"(?<![\w-])[\w-]{40,}(?![\w-])")
"""What is long and without a space is a token, a secret, a code or a hash of one: ours, a client's or a provider's."""
NAMED = re.compile(
    r"""((?:password|passwd|secret|token|code|credential|nonce|flow|state|authorization|cookie)\w*\\?["']?\s*[:=]\s*\\?["']?)"""
    r"""([^\s"'\\,&)}]+)""",
    re.IGNORECASE,
)
"""What stands behind a telling name, in JSON, in a query, in a form or in a repr."""
SECRET_STRINGS = re.compile(
    r"""(?:password|secret|token|code|nonce|flow|state|challenge)\w*\\?["']?\s*[:=]\s*\\?["'](.+?)(?<!\\)\\?["']""",
    re.IGNORECASE,
)
SHORTEST = 4
"""Shorter strings are not searched for: they would be found in every other word."""


class RequestLogMiddleware:
    """Gives each request an id (also in `X-Request-ID`) and lets the log know which request it is about."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the id on the answer."""
        request.id = uuid.uuid4().hex  # type: ignore[attr-defined]  # ours
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
        record.request_id = getattr(request, "id", "-")
        secrets = sorted(set(_secrets_of(request)), key=len, reverse=True) if request else []
        message = record.getMessage()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.msg, record.args = scrubbed(message, secrets), None
        if record.exc_text:
            record.exc_text = scrubbed(record.exc_text, secrets)
        return True


def scrubbed(text: str, secrets: list[str]) -> str:
    """Without these secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return OPAQUE.sub(REDACTED, NAMED.sub(rf"\1{REDACTED}", text))


def _secrets_of(request: HttpRequest) -> Iterator[str]:
    """What the request carries in places where secrets are. Read only when something is logged."""
    yield from (value for value in request.COOKIES.values() if len(value) >= SHORTEST)
    body: bytes = getattr(request, "_body", b"")
    for match in SECRET_STRINGS.finditer(body.decode(errors="replace")):
        value = match.group(1)
        if len(value) >= SHORTEST:
            yield value
            # As JSON and GraphQL escape it, and as it is.
            yield value.encode().decode("unicode_escape", errors="replace") if value.isascii() else value
