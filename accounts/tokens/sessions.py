"""The sessions of an account: list them, end them."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from accounts.conf import latchkey
from accounts.errors import NotFound
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.tokens.bearer import Bearer, locked_account
from accounts.tokens.models import Session
from accounts.tokens.server import checksum, end_family

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()

TOO_MANY = "too many sessions"
"""The cause of an end."""


def live() -> Q:
    """The sessions that have neither expired nor been idle for too long."""
    settings, now = latchkey(), timezone.now()
    idle = timedelta(seconds=settings.access_token_lifetime + settings.refresh_token_idle_lifetime)
    return Q(expires_at__gt=now, last_used_at__gt=now - idle)


def sessions_of(account: uuid.UUID, *, bearer: Bearer | None = None) -> QuerySet[Session]:
    """The account's live sessions with their clients, most recently used first.

    `is_current` of each says whether it is the one of the bearer.
    """
    own = RefreshToken.objects.filter(token_family=OuterRef("token_family"), access_token=bearer and bearer.token_id)
    return (
        Session.objects.filter(live(), account=account)
        .select_related("client")
        .annotate(is_current=Exists(own))
        .order_by("-last_used_at", "-pk")
    )


def session_of(bearer: Bearer) -> Session | None:
    """The session that the access token belongs to; None if it ended just now, or if the token never had one.

    Found on demand, by one statement: most requests do not need it.
    """
    families = RefreshToken.objects.filter(access_token=bearer.token_id).values("token_family")
    return Session.objects.filter(token_family__in=families, account=bearer.account.pk).first()


def belongs_to(refresh_token: str, account: Account) -> bool:
    """Whether the refresh token, live or not, was issued to this account."""
    return RefreshToken.objects.filter(token_checksum=checksum(refresh_token), user=account).exists()


def end_one(session: uuid.UUID, *, bearer: Bearer) -> bool:
    """End one of the account's sessions; says whether it was the bearer's own.

    Raises NotFound, also for another account's, and for one that ended before.
    """
    found = sessions_of(bearer.account.pk, bearer=bearer).filter(pk=session).first()
    if found is None or not end_family(found.token_family):
        raise NotFound(field=("id",))
    return bool(found.is_current)  # type: ignore[attr-defined]  # annotated


@transaction.atomic
def end_others(*, bearer: Bearer) -> int:
    """End all sessions but the bearer's own, with the authorization codes; returns the number of live ones.

    A sign-in under way begins no session either: this begins another epoch. Raises InvalidToken if the bearer's own
    session ended meanwhile.
    """
    account = locked_account(bearer)
    Account.objects.filter(pk=account.pk).update(session_epoch=F("session_epoch") + 1)
    get_grant_model().objects.filter(user=account).delete()
    own = session_of(bearer)
    others = Session.objects.filter(account=account).exclude(pk=own and own.pk)
    list(others.order_by("pk").select_for_update().values_list("pk"))
    number = others.filter(live()).count()
    refresh_tokens = RefreshToken.objects.filter(user=account, revoked=None)
    refresh_tokens.exclude(token_family=own and own.token_family).update(revoked=timezone.now())
    AccessToken.objects.filter(user=account).exclude(pk=bearer.token_id).delete()
    others.delete()
    events.record(EventType.OTHER_SESSIONS_ENDED, subject=account.pk, actor=account.pk, client=bearer.client_name)
    return number


@transaction.atomic
def end_all(*, bearer: Bearer) -> int:
    """Sign out everywhere; returns the number of live sessions. Raises InvalidToken if the bearer's ended meanwhile."""
    account = locked_account(bearer)
    number = Session.objects.filter(live(), account=account).count()
    account.end_sessions()
    events.record(EventType.ALL_SESSIONS_ENDED, subject=account.pk, actor=account.pk, client=bearer.client_name)
    return number


def make_room(account: uuid.UUID) -> None:
    """End the least recently used sessions, so that one more may begin. The account's row is locked."""
    kept = latchkey().sessions_per_account - 1
    surplus = Session.objects.filter(live(), account=account).order_by("-last_used_at", "-pk")[kept:]
    for family in surplus.values_list("token_family", flat=True):
        end_family(family, cause=TOO_MANY)
