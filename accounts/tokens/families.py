"""Families of refresh tokens, each with its session: whose they are, which of them live, and how they end."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from accounts.conf import latchkey
from accounts.factors import remembering
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.shared import clock
from accounts.shared.caller import Caller
from accounts.shared.statements import Select, parameter
from accounts.tokens.models import Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()

TOO_MANY = "too many sessions"
"""The cause of an end."""


def checksum(token: str) -> str:
    """The form in which DOT stores a token and looks it up."""
    return hashlib.sha256(token.encode()).hexdigest()


def issued_to(token: str) -> str | None:
    """The `client_id` of an access or refresh token, also of a traded one; None for an unknown token."""
    digest = checksum(token)
    for model in (RefreshToken, AccessToken):
        clients = model.objects.filter(token_checksum=digest).values_list("application__client_id", flat=True)
        client_id: str | None = clients.first()
        if client_id is not None:
            return client_id
    return None


def idle_since(now: datetime) -> datetime:
    """A session that was not refreshed since then is dead: both of its tokens have expired."""
    settings = latchkey()
    return now - timedelta(seconds=settings.access_token_lifetime + settings.refresh_token_idle_lifetime)


def live() -> Q:
    """The sessions that have neither expired nor been idle for too long."""
    now = clock.now()
    return Q(expires_at__gt=now, last_used_at__gt=idle_since(now))


def client_of_code(code: str) -> int | None:
    """The key of the client that the authorization code was issued to; None if it is unknown or expired."""
    codes = get_grant_model().objects.filter(code=code, expires__gt=clock.now(), user__is_active=True)
    client: int | None = codes.values_list("application", flat=True).first()
    return client


def family_of(token: str) -> Any:
    """The family of an access or refresh token, also of a traded one; None if there is none."""
    digest = checksum(token)
    families = RefreshToken.objects.values_list("token_family", flat=True)
    return (
        families.filter(token_checksum=digest).first() or families.filter(access_token__token_checksum=digest).first()
    )


def families_of(token_id: int) -> QuerySet[Any]:
    """The family of the access token with this key; none if it has no refresh token."""
    families: QuerySet[Any] = RefreshToken.objects.filter(access_token=token_id).values("token_family")
    return families


@transaction.atomic
def end_family(family: Any, *, cause: str = "", caller: Caller | None = None, forgets_browser: bool = False) -> bool:
    """Delete the session and revoke its tokens, after waiting for a rotation under way. False if it had ended before.

    `cause` says why, in our own words, if nobody asked for it. With `forgets_browser`, the browser in which it began is
    asked for a second factor again: whoever signs out there themselves keeps that, whoever throws it out does not.
    """
    session = (
        Session.objects.select_for_update(of=("self",)).select_related("client").filter(token_family=family).first()
    )
    RefreshToken.revoke_family(family)
    if session is None:
        return False
    if forgets_browser:
        remembering.forget_that_of(session.pk)
    session.delete()
    events.record(
        EventType.SESSION_ENDED,
        subject=session.account_id,
        client=session.client.client_id,
        caller=caller,
        cause=cause,
    )
    return True


_by_last_use = Select(
    Session,
    lambda: (
        Session.objects.filter(
            account=parameter(Session, "account"),
            expires_at__gt=parameter(Session, "expires_at", "now"),
            last_used_at__gt=parameter(Session, "last_used_at", "idle_since"),
        )
        .order_by("-last_used_at", "-pk")
        .values_list("token_family")
    ),
    for_write=True,
)


def make_room(account: uuid.UUID) -> None:
    """End the least recently used sessions, so that one more may begin. The account's row is locked."""
    now = clock.now()
    families = _by_last_use.rows(account=account, now=now, idle_since=idle_since(now))
    for (family,) in families[latchkey().sessions_per_account - 1 :]:
        end_family(family, cause=TOO_MANY)
