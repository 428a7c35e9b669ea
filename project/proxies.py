"""Reads client address, host, scheme, path and request ID from the headers of trusted proxies.

Anyone can send these headers. They count only if the peer is a proxy that TRUSTED_PROXIES declares, and of a list only
the entries that such proxies have appended: each adds its own at the end. From other peers they are removed (S55).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

from accounts.shared.caller import address_of
from project.trust import MOST_PROXIES, Networks, Trust

REQUEST_ID = "latchkey.request_id"
"""The key of the request's ID in the environment, which no header can set."""
GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_REQUEST_ID")

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Proxied:
    """A WSGI application behind proxies: corrects the environment before Django reads it."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Correct the environment and call the application."""
        correct(environ)
        return self._application(environ, start_response)


def correct(environ: Environ) -> None:
    """Set the client's address, host, scheme and path to those that the outermost trusted proxy saw."""
    trust: Trust = settings.TRUSTED_PROXIES
    address_header = f"HTTP_{settings.CLIENT_ADDRESS_HEADER.upper().replace('-', '_')}"
    if is_proxy(environ.get("REMOTE_ADDR", ""), trust):
        _believe(environ, trust, address_header)
    else:
        for name in (address_header, *FORWARDED):
            environ.pop(name, None)
    prefix: str = settings.SCRIPT_NAME
    path: str = environ.get("PATH_INFO", "")
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        # Some proxies strip the prefix, others do not.
        environ["PATH_INFO"] = path.removeprefix(prefix)


def is_proxy(peer: str, trust: Trust) -> bool:
    """Whether the peer with this REMOTE_ADDR is one of our proxies."""
    return trust > 0 if isinstance(trust, int) else trust.has(peer)


def _believe(environ: Environ, trust: Trust, address_header: str) -> None:
    forwarded = _entries(environ.get(address_header, ""))
    proxies = trust if isinstance(trust, int) else _proxies_passed(forwarded, trust)
    if forwarded:
        # An invalid address becomes empty: with the proxy's own, all clients would look like one.
        environ["REMOTE_ADDR"] = address_of(_outermost(forwarded, proxies)) or ""
    for name in ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"):
        if name in environ:
            environ[name] = _outermost(_entries(environ[name]), proxies).strip('"').lower()
    if GOOD_ID.fullmatch(environ.get("HTTP_X_REQUEST_ID", "")):
        environ[REQUEST_ID] = environ["HTTP_X_REQUEST_ID"]


def _proxies_passed(forwarded: list[str], networks: Networks) -> int:
    """The number of proxies: the peer, and before it those whose addresses others of them have appended."""
    proxies = 1
    for entry in reversed(forwarded[-MOST_PROXIES:]):
        if not networks.has(entry):
            break
        proxies += 1
    return proxies


def _entries(header: str) -> list[str]:
    return [part for text in header.split(",") if (part := text.strip(" \t"))]


def _outermost(entries: list[str], proxies: int) -> str:
    """The entry of the outermost of these proxies. A shorter list has bypassed a proxy: then the first entry."""
    return entries[-proxies:][0] if entries else ""
