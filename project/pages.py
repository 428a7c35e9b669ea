"""The reference front end at `/`, as `make frontend` builds it, and the error responses outside of GraphQL."""

from typing import Any, cast

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.conf import latchkey
from accounts.tokens.metadata import issuer_of
from schema.http.built import FRONT_END
from schema.http.responses import ranges_of


def _policy() -> dict[str, Any]:
    """The CSP directives that the SDKs of the enabled providers need."""
    script_src, frame_src, connect_src = ["'self'"], [], ["'self'"]
    providers = {provider.name for provider in latchkey().providers}
    if "google-oauth2" in providers:
        script_src.append("https://accounts.google.com/gsi/client")
        frame_src.append("https://accounts.google.com/gsi/")
        connect_src.append("https://accounts.google.com/gsi/")
    if "facebook" in providers:
        script_src.append("https://connect.facebook.net")
        frame_src.append("https://www.facebook.com")
        connect_src += ["https://www.facebook.com", "https://graph.facebook.com"]
    return {"script-src": script_src, "frame-src": frame_src or ["'none'"], "connect-src": connect_src}


@csrf_exempt  # so that a POST gets 405 instead of a CSRF error
@require_safe
def front_end(request: HttpRequest) -> HttpResponse:
    """Serve the page; its script routes the paths."""
    if not (html := FRONT_END.html):
        return HttpResponse("The front end is not built: make frontend\n", status=404, content_type="text/plain")
    return _page(request, html)


@csrf_exempt
@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Lead password managers to the account page (W3C, A Well-Known URL for Changing Passwords).

    Signed out, it asks to sign in first, and offers a reset.
    """
    own = latchkey().front_end_url
    base = own if own.startswith(("https://", "http://")) else issuer_of(request)
    return redirect(f"{base.rstrip('/')}/")


def _page(request: HttpRequest, html: str) -> HttpResponse:
    # Not compressed: it fits into one packet.
    response = HttpResponse(html, headers={"Cache-Control": "no-cache"})
    # `same-origin` would cut off the pop-ups of the providers.
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return cast("HttpResponse", csp_update(_policy())(lambda _request: response)(request))


def refusal(status: int, message: str, code: str) -> JsonResponse:
    """An error response in GraphQL's format, so that a client with a wrong URL shows the message."""
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Show browsers the front end, and programs an error."""
    if _is_browser(request) and (html := FRONT_END.html):
        page = _page(request, html)
        page.status_code = 404
        return page
    return refusal(404, f"There is nothing at this address. GraphQL is at {reverse('graphql')}.", "NOT_FOUND")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to requests that Django itself refuses, such as one with an unknown Host."""
    if _is_browser(request):
        return defaults.bad_request(request, exception)
    return refusal(400, "The request is malformed or not for this host.", "BAD_REQUEST")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to a PermissionDenied of the admin site."""
    if _is_browser(request):
        return defaults.permission_denied(request, exception)
    return refusal(403, "You do not have permission.", "FORBIDDEN")


def server_error(request: HttpRequest) -> HttpResponse:
    """Respond to exceptions outside of GraphQL, which masks its own."""
    if _is_browser(request):
        return defaults.server_error(request)
    return refusal(500, "Unexpected error.", "INTERNAL_SERVER_ERROR")


def _is_browser(request: HttpRequest) -> bool:
    return "text/html" in ranges_of(request.headers.get("Accept", ""))
