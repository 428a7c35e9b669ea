"""The refresh token in a cookie, for browsers: where scripts cannot read it (S51).

A cookie is sent by the browser whoever makes it send the request, so it counts only where the request shows that one
of our front ends made it: an Origin that is ours, no cross-site fetch, and a header that no form and no plain link can
set. (The body is JSON alone, which forms cannot send either.)
"""

from datetime import timedelta
from functools import cached_property
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

CUSTOM_HEADERS = ("Apollo-Require-Preflight", "X-Apollo-Operation-Name", "X-Requested-With")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class RefreshCookie:
    """The cookie of one request and its response."""

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
        """The refresh token that the browser sent; None if there is none."""
        return self._request.COOKIES.get(self._name) or None

    def set(self, token: str, *, seconds: int) -> None:
        """Give the browser the token to keep."""
        self._response.set_cookie(
            self._name,
            token,
            max_age=timedelta(seconds=seconds),
            path="/",
            secure=not self._plain_loopback,
            httponly=True,
            samesite="Strict",
        )

    def clear(self) -> None:
        """Make the browser forget it, with the attributes it was set with: else `__Host-` cookies stay."""
        self._response.set_cookie(
            self._name,
            "",
            max_age=0,
            path="/",
            secure=not self._plain_loopback,
            httponly=True,
            samesite="Strict",
        )

    @cached_property
    def _plain_loopback(self) -> bool:
        """Development on http: a browser stores no `__Host-` cookie there."""
        host = urlsplit(f"//{self._request.get_host()}").hostname
        return bool(settings.DEVELOPMENT and not self._request.is_secure() and host in LOOPBACK)

    @property
    def _name(self) -> str:
        return "refresh_token" if self._plain_loopback else "__Host-refresh_token"

    def _origin_is_ours(self, origin: str) -> bool:
        own = f"{self._request.scheme}://{self._request.get_host()}"
        return origin == own or origin in settings.CORS_ALLOWED_ORIGINS
