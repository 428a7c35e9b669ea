"""DOT's OAuth endpoints, where they need a correction."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from oauth2_provider.models import get_access_token_model
from oauth2_provider.views import IntrospectTokenView as DotIntrospectTokenView
from oauth2_provider.views import RevokeTokenView as DotRevokeTokenView
from oauth2_provider.views import TokenView as DotTokenView

from accounts.bearer_tokens.bearer import mark_used
from accounts.bearer_tokens.server import checksum

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class Json:
    """JSON that nobody stores, whatever the answer: some of DOT's errors come as HTML, and echo what was sent."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As the view."""
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # a mixin of views
        response.headers["Content-Type"] = "application/json"
        response.headers["Cache-Control"] = "no-store"
        return response


class TokenView(Json, DotTokenView):
    """DOT's, without the half of the device flow that it answers although nothing of it is mounted here."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As RFC 6749 §5.2 for a grant type that is not offered: DOT would fail on a request without a code."""
        if request.POST.get("grant_type") == DEVICE_CODE:
            return JsonResponse({"error": "unsupported_grant_type"}, status=400)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


class RevokeTokenView(Json, DotRevokeTokenView):
    """DOT's (RFC 7009)."""


class IntrospectTokenView(Json, DotIntrospectTokenView):
    """Token introspection (RFC 7662): DOT's access rules with another answer.

    DOT calls a disabled account's token active (S13), tells its e-mail address to every client, and leaves out the
    subject. And it takes the token by GET, where logs and caches see it.
    """

    http_method_names: ClassVar = ["post", "options"]

    @staticmethod
    def get_token_response(token_value: str | None = None) -> HttpResponse:
        """What RFC 7662 §2.2 says; nothing but `active: false` for a token that opens nothing."""
        if token_value is None:
            error = {"error": "invalid_request", "error_description": "Token parameter is missing."}
            return JsonResponse(error, status=400)
        tokens = get_access_token_model().objects.select_related("user", "application")
        token = tokens.filter(token_checksum=checksum(token_value)).first()
        if token is None or not token.is_valid() or (token.user is not None and not token.user.is_active):
            return JsonResponse({"active": False})
        mark_used(token)
        answer: dict[str, Any] = {
            "active": True,
            "scope": token.scope,
            "token_type": "Bearer",
            "exp": int(token.expires.timestamp()),
            "iat": int(token.created.timestamp()),
        }
        if token.application is not None:
            answer["client_id"] = token.application.client_id
        if token.user is not None:
            answer["sub"] = str(token.user.pk)
        if token.resource:
            answer["aud"] = token.resource
        return JsonResponse(answer)
