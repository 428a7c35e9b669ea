"""Middleware for every URL."""

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from django.utils.log import log_response

from accounts.guard import origin
from accounts.guard.origin import Origin
from accounts.mfa.admin_sign_in import admitted
from accounts.shared import metrics
from accounts.shared.caller import Caller
from accounts.shared.languages import accepted_language
from project.pages import refusal
from schema.http.responses import DATABASE_AWAY

COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A cookie-name (RFC 6265 §4.1.1)."""
LARGEST_HEADERS = 32 * 1024
"""Maximum characters of all headers together, as in nginx: several times what browsers and proxies send."""
ADMINISTRATION = "/admin/"
"""Where the administration is, below the prefix of the service."""
RETRY_AFTER = 5
"""Seconds: longer than a database restart takes."""

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class HeaderSizeMiddleware:
    """Refuses requests whose headers are too large in total, before anything parses or stores them (S80, S92)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond, or refuse with 431 (RFC 6585 §5)."""
        if sum(len(value) for name, value in request.META.items() if name.startswith("HTTP_")) > LARGEST_HEADERS:
            return refusal(431, "The request headers are too large.", "BAD_REQUEST")
        return self.get_response(request)


class ExactCookiesMiddleware:
    """Drops cookies whose names are not valid, or occur more than once, before Django reads them (S91).

    Browsers protect `__Host-` cookies by comparing the bytes of the name. Django strips whitespace, Unicode whitespace
    included, and so would turn another name, which a subdomain may set, into a protected one.

    Values with a backslash are dropped too: none is valid (RFC 6265 §4.1.1), and Python before 3.11.10 unquotes them in
    quadratic time, 8 kB in a tenth of a second (S80, CVE-2024-7592).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond, after replacing the header in `META`."""
        if header := request.META.get("HTTP_COOKIE"):
            pairs = list(_cookies(header))
            counts = Counter(name for name, _ in pairs)
            request.META["HTTP_COOKIE"] = "; ".join(
                f"{name}={value}" for name, value in pairs if counts[name] == 1 and "\\" not in value
            )
        return self.get_response(request)


def _cookies(header: str) -> Iterator[tuple[str, str]]:
    for part in header.split(";"):
        name, separator, value = part.strip(" \t").partition("=")
        if separator and COOKIE_NAME.fullmatch(name):
            yield name, value


class HeadMiddleware:
    """Removes the body from responses to HEAD (RFC 9110 §9.3.2), which WSGI servers would send."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond with the Content-Length of GET."""
        is_head = request.method == "HEAD"  # views may change request.method
        response = self.get_response(request)
        if is_head and isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response


class PolicyMiddleware(CSPMiddleware):
    """Sends the Content-Security-Policy, made once for all responses that change nothing of it (S50).

    Without nonces, which no page uses: a template that asks for one gets none, and its script does not run.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self._usual = build_policy()

    def process_request(self, request: HttpRequest) -> None:
        """Make no nonce."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the header."""
        # django-csp's decorators leave what they change on the response.
        if any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._usual)
        return response


class InAdministration(MiddlewareMixin):
    """Skips the middleware outside the administration.

    Nothing else has Django's sessions: their cookie means nothing elsewhere, and no other request pays for reading it.
    """

    def __call__(self, request: HttpRequest) -> Any:
        """Respond."""
        if request.path_info.startswith(ADMINISTRATION):
            return super().__call__(request)
        return self.get_response(request)


class AdministrationSessionMiddleware(InAdministration, SessionMiddleware):
    """Django's sessions."""


class AdministrationAuthenticationMiddleware(InAdministration, AuthenticationMiddleware):
    """The user of a session, which had to show a second factor if its account has one (S77)."""

    def process_request(self, request: HttpRequest) -> None:
        """Find the user when it is asked for."""
        super().process_request(request)
        user = request.user
        request.user = SimpleLazyObject(lambda: admitted(request, user))  # type: ignore[assignment]


class AdministrationMessageMiddleware(InAdministration, MessageMiddleware):
    """Messages to this user."""


class LanguageMiddleware:
    """Answers in the language that the client accepts.

    Not Django's LocaleMiddleware: a cookie and the path choose there too, each page varies, and the thread keeps the
    language after the request.
    """

    translated = ("graphql", "admin/")
    """The routes with words that are translated. Pages, metadata and OAuth errors (RFC 6749 §5.2) are in English."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond, and say in which language."""
        language = accepted_language(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
        with translation.override(language):
            response = self.get_response(request)
        if (match := request.resolver_match) and match.route.startswith(self.translated):
            patch_vary_headers(response, ["Accept-Language"])
            response.headers["Content-Language"] = language
        return response


class OriginMiddleware:
    """Tells where a request comes from to the security events that it causes (S58). Other requests pay nothing."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond."""
        with origin.serving(lambda: _origin_of(request)):
            return self.get_response(request)


def _origin_of(request: HttpRequest) -> Origin:
    return Origin(caller=Caller.of(request.META), request_id=getattr(request, "id", ""), actor=_staff(request))


def _staff(request: HttpRequest) -> uuid.UUID | None:
    """The user of the administration, the only part of the service that has Django's sessions."""
    match = request.resolver_match
    return request.user.pk if match and "admin" in match.namespaces else None


class DatabaseAwayMiddleware:
    """Responds with 503 while the database is unavailable, and logs a line per request instead of a traceback."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Respond to the exceptions of DATABASE_AWAY."""
        if not isinstance(exception, DATABASE_AWAY):
            return None
        metrics.DATABASE_AWAY.inc()
        response = refusal(503, "The service is temporarily unavailable. Try again.", "SERVICE_UNAVAILABLE")
        response.headers["Retry-After"] = str(RETRY_AFTER)
        cause = " ".join(str(exception).split())
        log_response("The database is unavailable: %s", cause, response=response, request=request)
        return response
