"""The project's addresses, and bare Django views that do the work of `me`, of `users`, and of a password."""

import functools
import hashlib
import json
import os
from typing import Any

from argon2.low_level import Type, hash_secret, verify_secret
from django.http import HttpRequest, HttpResponse
from django.urls import path
from oauth2_provider.models import get_access_token_model

from accounts.conf import latchkey
from accounts.people.models import Account
from accounts.tokens import api as bearer_tokens
from project.urls import urlpatterns as project_urlpatterns
from tests.api import PASSWORD


def answer(data: Any, status: int = 200) -> HttpResponse:
    """JSON, with the length that CommonMiddleware would add."""
    body = json.dumps(data)
    headers = {"Content-Length": str(len(body))}
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def bare(request: HttpRequest) -> HttpResponse:
    """What one would write by hand: the token with its account, checked, as JSON."""
    presented = request.headers["Authorization"].removeprefix("Bearer ")
    token = (
        get_access_token_model()
        .objects.select_related("user")
        .get(token_checksum=hashlib.sha256(presented.encode()).hexdigest())
    )
    if token.is_expired() or not token.user.is_active or "account" not in token.scope.split():
        return answer({}, status=401)
    user = token.user
    return answer({"data": {"me": {"id": str(user.pk), "email": user.email, "username": user.username}}})


def bare_fast(request: HttpRequest) -> HttpResponse:
    """The same with our own look-up: what is left is what GraphQL costs."""
    bearer = bearer_tokens.authenticate(request.headers["Authorization"])
    assert bearer
    user = bearer.account
    return answer({"data": {"me": {"id": str(user.pk), "email": user.email, "username": user.username}}})


def bare_users(_request: HttpRequest) -> HttpResponse:
    """What one would write by hand for the newest 50 profiles, with one more row to know whether more follow."""
    rows = list(
        Account.objects.filter(is_active=True)
        .order_by("-date_joined", "-pk")
        .values("id", "username", "first_name", "date_joined")[:51]
    )
    nodes = [{"id": str(row["id"]), "username": row["username"], "firstName": row["first_name"]} for row in rows[:50]]
    end = f"{rows[49]['date_joined'].isoformat()} {rows[49]['id']}"
    page = {"hasNextPage": len(rows) > 50, "endCursor": end}
    return answer({"data": {"users": {"nodes": nodes, "pageInfo": page}}})


@functools.cache
def stored_hash() -> bytes:
    """Of the password PASSWORD, at the cost in force."""
    conf = latchkey()
    return hash_secret(
        PASSWORD.encode(),
        os.urandom(16),
        time_cost=conf.argon2_time_cost,
        memory_cost=conf.argon2_memory_cost,
        parallelism=conf.argon2_parallelism,
        hash_len=32,
        type=Type.ID,
    )


def bare_hash(_request: HttpRequest) -> HttpResponse:
    """Verify a password, and nothing else."""
    return answer({"verified": verify_secret(stored_hash(), PASSWORD.encode(), Type.ID)})


urlpatterns = [
    path("bare", bare),
    path("bare-hash", bare_hash),
    path("bare-fast", bare_fast),
    path("bare-users", bare_users),
    *project_urlpatterns,
]
