"""The project's addresses, and a bare Django view that does the work of `{ me { id email username } }`."""

import hashlib

from django.http import HttpRequest, JsonResponse
from django.urls import path
from oauth2_provider.models import get_access_token_model

from accounts.tokens import api as bearer_tokens
from project.urls import urlpatterns as project_urlpatterns


def bare(request: HttpRequest) -> JsonResponse:
    """What one would write by hand: the token with its account, checked, as JSON."""
    presented = request.headers["Authorization"].removeprefix("Bearer ")
    token = (
        get_access_token_model()
        .objects.select_related("user")
        .get(token_checksum=hashlib.sha256(presented.encode()).hexdigest())
    )
    if token.is_expired() or not token.user.is_active or "account" not in token.scope.split():
        return JsonResponse({}, status=401)
    user = token.user
    return JsonResponse({"data": {"me": {"id": str(user.pk), "email": user.email, "username": user.username}}})


def bare_fast(request: HttpRequest) -> JsonResponse:
    """The same with our own look-up: what is left is what GraphQL costs."""
    bearer = bearer_tokens.authenticate(request.headers["Authorization"])
    assert bearer
    user = bearer.account
    return JsonResponse({"data": {"me": {"id": str(user.pk), "email": user.email, "username": user.username}}})


urlpatterns = [path("bare", bare), path("bare-fast", bare_fast), *project_urlpatterns]
