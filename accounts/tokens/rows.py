"""The rows of tokens and sessions that every refresh reads and writes, by statements that are compiled once.

The tables are DOT's, and the rows those that DOT would write. Its own rotation does not run: it reads the same rows
again and again, and every client refreshes every few minutes.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import router
from django.db.models import Model, OuterRef, Subquery
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from accounts.conf import latchkey
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.caller import Caller
from accounts.shared.statements import Delete, Insert, Select, Update, columns, parameter
from accounts.tokens.families import checksum, idle_since
from accounts.tokens.models import SECOND_FACTORS, AuthenticationMethod, Client, Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()

# Reading ----------------------------------------------------------------------------------------------------------


CLIENT_COLUMNS, ACCOUNT_COLUMNS, SESSION_COLUMNS = columns(Client), columns(Account), columns(Session)

_find = Select(
    RefreshToken,
    lambda: (
        RefreshToken.objects.filter(token_checksum=parameter(RefreshToken, "token_checksum"))
        .annotate(
            live_session=Subquery(
                Session.objects.filter(
                    token_family=OuterRef("token_family"),
                    expires_at__gt=parameter(Session, "expires_at", "now"),
                    last_used_at__gt=parameter(Session, "last_used_at", "idle_since"),
                ).values("pk")
            )
        )
        # DOT lets several rows share a checksum: the newest counts.
        .order_by("-pk")
        .values_list(
            "pk",
            "token_family",
            "resource",
            "revoked",
            "access_token_id",
            "access_token__scope",
            "access_token__expires",
            "live_session",
            *(f"application__{name}" for name in CLIENT_COLUMNS),
            *(f"user__{name}" for name in ACCOUNT_COLUMNS),
        )[:1]
    ),
    for_write=True,
)


@dataclass(frozen=True, kw_only=True)
class Presented:
    """A refresh token that a client presents, as it was when it was read."""

    token: str = field(repr=False)
    pk: int
    family: uuid.UUID
    client: Client
    account: Account
    resource: list[str]
    """RFC 8707."""
    revoked: datetime | None
    """When it was traded, or its session ended."""
    access_token_id: int | None
    scope: str
    access_expires: datetime | None
    live: bool
    """Whether its session lives, and its account is active."""


def find(refresh_token: str) -> Presented | None:
    """The refresh token, live or not; None for an unknown one. One statement."""
    now = clock.now()
    row = _find.first(token_checksum=checksum(refresh_token), now=now, idle_since=idle_since(now))
    if row is None:
        return None
    pk, family, resource, revoked, access_token_id, scope, access_expires, live_session, *related = row
    alias, clients = router.db_for_write(RefreshToken), len(CLIENT_COLUMNS)
    account = Account.from_db(alias, ACCOUNT_COLUMNS, related[clients:])
    return Presented(
        token=refresh_token,
        pk=pk,
        family=family,
        client=Client.from_db(alias, CLIENT_COLUMNS, related[:clients]),
        account=account,
        resource=resource,
        revoked=revoked,
        access_token_id=access_token_id,
        scope=scope or "",
        access_expires=access_expires,
        live=live_session is not None and account.is_active,
    )


_client = Select(
    Client,
    lambda: Client.objects.filter(client_id=parameter(Client, "client_id")).values_list(*CLIENT_COLUMNS),
)


def find_client(client_id: str) -> Client | None:
    """The client of this name, or None."""
    row = _client.first(client_id=client_id)
    return None if row is None else Client.from_db(router.db_for_read(Client), CLIENT_COLUMNS, row)


_lock = Select(
    Session,
    lambda: (
        Session.objects.select_for_update()
        .filter(token_family=parameter(Session, "token_family"))
        .values_list(*SESSION_COLUMNS)
    ),
    for_write=True,
)


def locked_session(family: uuid.UUID) -> Session | None:
    """The session of a family, locked until the transaction ends; None if it has ended."""
    row = _lock.first(token_family=family)
    return None if row is None else Session.from_db(router.db_for_write(Session), SESSION_COLUMNS, row)


@dataclass(frozen=True, kw_only=True)
class Successor:
    """The pair that a refresh token was traded for."""

    pk: int
    """Of its access token."""
    access_checksum: str
    refresh_checksum: str
    scope: str
    expires: datetime


_successor = Select(
    AccessToken,
    # A pair whose refresh token was deleted is not given again.
    lambda: AccessToken.objects.filter(
        source_refresh_token=parameter(AccessToken, "source_refresh_token"),
        refresh_token__isnull=False,
        refresh_token__revoked=None,
    ).values_list("pk", "token_checksum", "refresh_token__token_checksum", "scope", "expires"),
    for_write=True,
)


def successor_of(refresh_token: int) -> Successor | None:
    """The pair that a refresh token was traded for; None if that was traded too, or is gone."""
    row = _successor.first(source_refresh_token=refresh_token)
    if row is None:
        return None
    pk, access_checksum, refresh_checksum, scope, expires = row
    return Successor(
        pk=pk, access_checksum=access_checksum, refresh_checksum=refresh_checksum, scope=scope, expires=expires
    )


# Writing ----------------------------------------------------------------------------------------------------------

_supersede = Update(
    RefreshToken,
    lambda: RefreshToken.objects.filter(
        pk=parameter(RefreshToken, "id"),
        revoked=None,
        access_token=parameter(RefreshToken, "access_token"),
    ),
    revoked=parameter(RefreshToken, "revoked", "now"),
    updated=parameter(RefreshToken, "updated", "now"),
    access_token=None,
)
_delete_access_token = Delete(AccessToken, lambda: AccessToken.objects.filter(pk=parameter(AccessToken, "id")))


def supersede(presented: Presented, *, now: datetime) -> bool:
    """Mark it as traded, and delete its access token; False if either is not as it was when it was read."""
    if not _supersede(id=presented.pk, access_token=presented.access_token_id, now=now):
        return False
    _delete_access_token(id=presented.access_token_id)
    return True


def _insert_counted(model: type[Model]) -> Insert:
    """Of a row whose key the database counts."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - public
    return Insert(model, *(field.name for field in fields if not field.primary_key))


_insert_access_token, _insert_refresh_token = _insert_counted(AccessToken), _insert_counted(RefreshToken)


def insert_pair(
    *,
    access_token: str,
    refresh_token: str,
    expires_in: int,
    scope: str,
    resource: list[str],
    account: Account,
    client: Client,
    family: uuid.UUID,
    source: int | None,
    now: datetime,
) -> int:
    """Store the hashes of a pair; returns the key of its access token.

    `source` is the key of the refresh token that it was traded for.
    """
    both: dict[str, Any] = {
        "user": account.pk,
        "application": client.pk,
        "token": "",
        "resource": resource,
        "created": now,
        "updated": now,
    }
    pk: int = _insert_access_token(
        **both,
        token_checksum=checksum(access_token),
        source_refresh_token=source,
        id_token=None,
        expires=now + timedelta(seconds=expires_in),
        scope=scope,
    )
    _insert_refresh_token(
        **both, token_checksum=checksum(refresh_token), access_token=pk, token_family=family, revoked=None
    )
    return pk


_insert_session = Insert(Session)


def insert_session(
    family: uuid.UUID,
    *,
    key: uuid.UUID,
    account: Account,
    client: Client,
    methods: tuple[AuthenticationMethod, ...],
    end_user: Caller,
    now: datetime,
) -> None:
    """Store the session of a new family."""
    _insert_session(
        id=key,
        token_family=family,
        account=account.pk,
        client=client.pk,
        created_at=now,
        authenticated_at=now,
        authentication_methods=list(methods),
        factor_proved_at=now if SECOND_FACTORS & set(methods) else None,
        last_used_at=now,
        expires_at=now + timedelta(seconds=latchkey().session_lifetime),
        ip_address=end_user.ip_address,
        user_agent=end_user.user_agent,
        unused_token_id=None,
    )


_touch = Update(
    Session,
    lambda: Session.objects.filter(pk=parameter(Session, "id")),
    last_used_at=parameter(Session, "last_used_at"),
    ip_address=parameter(Session, "ip_address"),
    user_agent=parameter(Session, "user_agent"),
    unused_token_id=parameter(Session, "unused_token_id"),
)


def touch(session: Session, *, unused_token_id: int | None, end_user: Caller, now: datetime) -> None:
    """Store when and from where the session was refreshed, and which access token nobody has used yet (S68)."""
    _touch(
        id=session.pk,
        last_used_at=now,
        ip_address=end_user.ip_address,
        user_agent=end_user.user_agent,
        unused_token_id=unused_token_id,
    )


def open_grace(presented: Presented, successor: Successor, *, expires: datetime, now: datetime) -> None:
    """Let a traded refresh token be repeated within the grace period from now on, with an access token that lives."""
    RefreshToken.objects.filter(pk=presented.pk).update(revoked=now)
    if expires != successor.expires:
        AccessToken.objects.filter(pk=successor.pk).update(expires=expires)
