"""Reads client address, host, scheme and path from the headers of trusted proxies.

Anyone can send these headers. They count only if a setting declares proxies, and of a list only the entries that those
have appended: each proxy adds its own at the end.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

from accounts.shared.caller import address_of

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
    proxies: int = settings.TRUSTED_PROXIES
    if proxies:
        header = f"HTTP_{settings.CLIENT_ADDRESS_HEADER.upper().replace('-', '_')}"
        forwarded = _outermost_entry(environ.get(header, ""), proxies)
        if forwarded:
            # An invalid address becomes empty: with the proxy's own, all clients would look like one.
            environ["REMOTE_ADDR"] = address_of(forwarded) or ""
    for name in ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"):
        if name in environ:
            environ[name] = _outermost_entry(environ[name], max(proxies, 1)).strip('"').lower()
    prefix: str = settings.SCRIPT_NAME
    path: str = environ.get("PATH_INFO", "")
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        # Some proxies strip the prefix, others do not.
        environ["PATH_INFO"] = path.removeprefix(prefix)


def _outermost_entry(header: str, proxies: int) -> str:
    """The list entry of the outermost of these proxies. A shorter list has bypassed a proxy: then the first entry."""
    parts = [part for text in header.split(",") if (part := text.strip(" \t"))]
    return parts[-proxies:][0] if parts else ""
