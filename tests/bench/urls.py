"""The project's addresses, and a bare Django view that does the work of `{ me { id email username } }`."""

import hashlib

from django.http import HttpRequest, JsonResponse
from django.urls import path
from oauth2_provider.models import get_access_token_model

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


urlpatterns = [path("bare", bare), *project_urlpatterns]
