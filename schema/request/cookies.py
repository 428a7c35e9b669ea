"""Cookies that scripts cannot read, for browsers: the refresh token (S51), and the mark of a remembered browser.

Browsers send a cookie whichever site causes the request. So it is accepted only if the request shows that one of our
front ends made it: an allowed Origin, no cross-site fetch, and a header that forms and links cannot set. (Forms cannot
send a JSON body either.)
"""

from datetime import timedelta
from functools import cached_property
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix

CUSTOM_HEADERS = ("Apollo-Require-Preflight", "X-Apollo-Operation-Name", "X-Requested-With")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class BrowserCookie:
    """A cookie in one request and its response."""

    name: ClassVar[str]

    def __init__(self, request: HttpRequest, response: HttpResponse) -> None:
        self._request = request
        self._response = response

    @cached_property
    def allowed(self) -> bool:
        """Whether this request may use the cookie at all."""
        headers = self._request.headers
        return (
            (self._request.is_secure() or self._plain_loopback)
            and any(name in headers for name in CUSTOM_HEADERS)
            and headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "same-site"}
            and self._origin_is_ours(headers.get("Origin", ""))
        )

    @property
    def token(self) -> str | None:
        """The token in the request's cookie, if any.

        ExactCookiesMiddleware has dropped what only looks like it, or comes more than once (S91).
        """
        return self._request.COOKIES.get(self._name) or None

    def set(self, token: str, *, seconds: int) -> None:
        """Store the token in the browser."""
        self._response.set_cookie(
            self._name,
            token,
            max_age=timedelta(seconds=seconds),
            path=self._path,
            secure=not self._plain_loopback,
            httponly=True,
            samesite="Strict",
        )

    def clear(self) -> None:
        """Delete the cookie, with the attributes that it was set with: otherwise `__Host-` cookies stay."""
        self._response.set_cookie(
            self._name,
            "",
            max_age=0,
            path=self._path,
            secure=not self._plain_loopback,
            httponly=True,
            samesite="Strict",
        )

    @cached_property
    def _plain_loopback(self) -> bool:
        """Whether this is development on http, where browsers store no `__Host-` cookie."""
        host = urlsplit(f"//{self._request.get_host()}").hostname
        return bool(settings.DEVELOPMENT and not self._request.is_secure() and host in LOOPBACK)

    @property
    def _path(self) -> str:
        """Browsers store a `__Host-` cookie for `/` only."""
        return get_script_prefix() if self._plain_loopback else "/"

    @property
    def _name(self) -> str:
        return self.name if self._plain_loopback else f"__Host-{self.name}"

    def _origin_is_ours(self, origin: str) -> bool:
        own = f"{self._request.scheme}://{self._request.get_host()}"
        return origin == own or origin in settings.CORS_ALLOWED_ORIGINS


class RefreshCookie(BrowserCookie):
    """The refresh token of the COOKIE transport (S51)."""

    name = "refresh_token"


class RememberedBrowserCookie(BrowserCookie):
    """The mark of a browser that is not asked for a second factor for a while."""

    name = "remembered_browser"
