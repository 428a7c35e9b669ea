"""The sessions of an account: list them, end them."""

import functools
import operator
import uuid

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from accounts.errors import NotFound
from accounts.factors import remembering
from accounts.factors.models import RememberedBrowser
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.shared.sweeping import Slice, sweep
from accounts.tokens.bearer import Bearer, locked_account
from accounts.tokens.errors import InvalidToken
from accounts.tokens.families import checksum, end_family, families_of, live
from accounts.tokens.models import Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()


def sessions_of(account: uuid.UUID, *, bearer: Bearer | None = None) -> QuerySet[Session]:
    """The account's live sessions with their clients, most recently used first.

    `is_current` of each says whether it is the one of the bearer; without a bearer, none is. `remembers_browser` says
    whether the browser in which it began is not asked for a second factor.
    """
    own = RefreshToken.objects.none()
    if bearer:
        # Never by None: traded refresh tokens have no access token any more.
        own = RefreshToken.objects.filter(token_family=OuterRef("token_family"), access_token=bearer.token_id)
    return (
        Session.objects.filter(live(), account=account)
        .select_related("client")
        .annotate(
            is_current=Exists(own),
            remembers_browser=Exists(remembering.live().filter(session_id=OuterRef("pk"), account=account)),
        )
        .order_by("-last_used_at", "-pk")
    )


def session_of(bearer: Bearer) -> Session | None:
    """The session that the access token belongs to; None if it ended just now, or if the token never had one.

    Found on demand, by one statement: most requests do not need it.
    """
    return Session.objects.filter(token_family__in=families_of(bearer.token_id), account=bearer.account.pk).first()


def live_session_of(bearer: Bearer) -> Session:
    """As `session_of`, for what needs a session. Raises InvalidToken without one."""
    session = session_of(bearer)
    if session is None:
        raise InvalidToken("The session was ended just now.")
    return session


def never_had_session(bearer: Bearer) -> bool:
    """Whether the access token is live and was issued without a refresh token, by code of your own."""
    return bool(AccessToken.objects.filter(pk=bearer.token_id, refresh_token=None).exists())


def belongs_to(refresh_token: str, account: Account) -> bool:
    """Whether the refresh token, live or not, was issued to this account."""
    return bool(RefreshToken.objects.filter(token_checksum=checksum(refresh_token), user=account).exists())


def end_one(session: uuid.UUID, *, bearer: Bearer) -> bool:
    """End one of the account's sessions; says whether it was the bearer's own.

    Raises NotFound, also for another account's, and for one that ended before.
    """
    found = sessions_of(bearer.account.pk, bearer=bearer).filter(pk=session).first()
    if found is None or not end_family(found.token_family, forgets_browser=True):
        raise NotFound(field=("id",))
    return bool(found.is_current)  # type: ignore[attr-defined]  # annotated


@transaction.atomic
def end_others(*, bearer: Bearer) -> int:
    """End all sessions but the bearer's own; returns the number of live ones.

    Raises InvalidToken if the bearer's own session ended meanwhile.
    """
    account = locked_account(bearer)
    own = live_session_of(bearer)
    number = sessions_of(account.pk).exclude(pk=own.pk).count()
    account.end_sessions(keep=own.pk)
    if number:
        events.record(EventType.OTHER_SESSIONS_ENDED, subject=account.pk)
    return number


@transaction.atomic
def end_all(*, bearer: Bearer) -> int:
    """Sign out everywhere; returns the number of live sessions. Raises InvalidToken if the bearer's ended meanwhile."""
    return end_all_of(locked_account(bearer))


@transaction.atomic
def end_all_of(account: Account) -> int:
    """Sign the account out everywhere, in the administration too; returns the number of live sessions."""
    number = sessions_of(account.pk).count()
    account.end_sessions()
    events.record(EventType.ALL_SESSIONS_ENDED, subject=account.pk)
    return number


def end_one_of(account: Account, session: uuid.UUID) -> None:
    """End one of the account's sessions. Raises NotFound, also for another account's, and for one that ended before."""
    family = Session.objects.filter(pk=session, account=account).values_list("token_family", flat=True).first()
    if family is None or not end_family(family, forgets_browser=True):
        raise NotFound(field=("session",))


def end_everybodys(*, cause: str) -> int:
    """Sign everybody out everywhere, for operators; returns the number of accounts.

    Call it in autocommit: many short transactions. Accounts of staff are signed out of the administration too.
    """
    held = [
        Exists(model._base_manager.filter(**{owner: OuterRef("pk")}))  # noqa: SLF001 - public in practice
        for model, owner in (
            (Session, "account"),
            (AccessToken, "user"),
            (get_grant_model(), "user"),
            # They outlive the session that they belong to.
            (RememberedBrowser, "account"),
        )
    ]

    def end(part: Slice) -> int:
        holders = part.of(Account).filter(functools.reduce(operator.or_, held, Q(is_staff=True)))
        keys = list(holders.values_list("pk", flat=True))
        if not keys:
            return 0
        with transaction.atomic(using=part.database):
            ended = Account.objects.get_queryset().filter(pk__in=keys).end_sessions()
            events.record_each(EventType.ALL_SESSIONS_ENDED, ended, cause=cause)
        return len(ended)

    return sweep(Account, end)
