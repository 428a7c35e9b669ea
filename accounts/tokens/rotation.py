"""Begins sessions and trades refresh tokens: the one path of GraphQL and `/o/token/`.

What goes wrong without it, measured on DOT 3.4.1 with hashed tokens: of 20 simultaneous refreshes of one token 19
end in a 500 or in blank tokens; a replay that races a refresh can bring a revoked family back to life; a phone
that was put away before the answer came is signed out. Hence:

- the lock is the family's Session row, and under it a token is traded only if it still is as it was read before
  (RFC 9700 §4.14.2 asks for rotation, and is silent about races);
- the successors of a refresh token are an HMAC of it, so that a repeated request is answered with the same pair
  although only hashes are stored, and also if SECRET_KEY was changed in between (S90);
- as long as neither token of a successor pair has been used, its predecessor is answered again (S68).
"""

import base64
import logging
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from django.db import router, transaction
from oauth2_provider.models import get_refresh_token_model
from oauth2_provider.scopes import get_scopes_backend

from accounts.conf import latchkey
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.shared import clock, metrics
from accounts.shared.caller import Caller
from accounts.shared.keys import digests
from accounts.tokens import rows
from accounts.tokens.families import checksum, end_family, make_room
from accounts.tokens.models import AuthenticationMethod, Client, Session
from accounts.tokens.rows import Presented, Successor

RefreshToken = get_refresh_token_model()

log = logging.getLogger(__name__)

AUTHORIZATION_CODE = "authorization_code"
"""The method of a sign-in that began elsewhere and was exchanged at `/o/token/`, in the metrics."""


class Cause(StrEnum):
    """Why a refresh token is refused that is no replay. The values are the causes in the log (S74)."""

    UNKNOWN = "unknown"
    REVOKED = "revoked"
    WRONG_CLIENT = "wrong client"
    ACCOUNT_DISABLED = "account disabled"
    SESSION_EXPIRED = "session expired"
    EXPIRED = "expired"
    KEY_CHANGED = "key changed"
    """The pair that it was traded for was made with a key that is neither SECRET_KEY nor among its fallbacks now. It
    cannot be computed again, and no answer is better than tokens that open nothing."""
    SCOPE = "invalid_scope"


class Replay(StrEnum):
    """Why a refresh token that was traded before comes again. The values are causes in the log too."""

    GRANDPARENT = "replayed, grandparent"
    """Its successor was traded too."""
    ANSWER_LOST = "answer lost"
    """Neither token of the successor pair was used, so the client did not receive them (S68)."""
    AFTER_USE = "replayed after use"
    """The client retries, within the grace period, or two parties hold the token."""


for _outcome in (metrics.OK, *Cause, *Replay):
    # From 0 on: Prometheus cannot tell that a series which appears has grown.
    metrics.REFRESHES.labels(_outcome)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An access token and its refresh token (RFC 6749 §5.1)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scope: str
    expires_in: int
    """Seconds that the access token has left."""
    token_type: ClassVar[str] = "Bearer"  # noqa: S105 - a scheme


@dataclass(frozen=True, kw_only=True)
class Traded:
    """The next pair, with its account and the latest end of its session."""

    pair: Pair
    account: Account
    session_expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why there is no next pair."""

    cause: Cause | Replay
    holder: uuid.UUID | None
    """The account of the refresh token."""

    @property
    def error(self) -> str:
        """The code of RFC 6749 §5.2."""
        return "invalid_scope" if self.cause is Cause.SCOPE else "invalid_grant"


def access_token_lifetime() -> int:
    """Seconds: the maximum less a random part, so that clients do not all refresh at once."""
    settings = latchkey()
    return settings.access_token_lifetime - secrets.randbelow(settings.access_token_jitter + 1)


def new_token() -> str:
    """256 random bits (S14)."""
    return secrets.token_urlsafe(32)


def still_allowed(scopes: list[str], client: Client) -> list[str]:
    """These scopes without those that the client may no longer have (S60)."""
    available = get_scopes_backend().get_available_scopes(client)
    return [scope for scope in scopes if scope in available]


def begin(
    *,
    account: Account,
    client: Client,
    scope: str,
    methods: tuple[AuthenticationMethod, ...],
    end_user: Caller,
    key: uuid.UUID,
) -> Pair:
    """Begin the session with this key; returns its first pair. Call in a transaction that holds the account's lock."""
    pair = Pair(access_token=new_token(), refresh_token=new_token(), scope=scope, expires_in=access_token_lifetime())
    family = uuid.uuid4()
    rows.insert_pair(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
        scope=scope,
        resource=[],
        account=account,
        client=client,
        family=family,
        source=None,
        now=clock.now(),
    )
    begin_session(family, account=account, client=client, methods=methods, end_user=end_user, key=key)
    return pair


def begin_session(
    family: uuid.UUID,
    *,
    account: Account,
    client: Client,
    end_user: Caller,
    methods: tuple[AuthenticationMethod, ...] = (),
    key: uuid.UUID | None = None,
) -> None:
    """Begin the session of a new family. Call in a transaction that holds the account's lock."""
    make_room(account.pk)
    rows.insert_session(
        family,
        key=key or uuid.uuid4(),
        account=account,
        client=client,
        methods=methods,
        end_user=end_user,
        now=clock.now(),
    )
    events.record(EventType.SIGNED_IN, subject=account.pk, actor=account.pk, client=client.client_id, caller=end_user)
    method = methods[0] if methods else AUTHORIZATION_CODE
    transaction.on_commit(metrics.SIGN_INS.labels(method, metrics.OK).inc)


def trade(presented: Presented | None, *, client: Client, scope: str = "", end_user: Caller) -> Traded | Refused:
    """Trade a refresh token for the next pair (RFC 6749 §6), or answer a repeated request with the same pair.

    A replay ends the session (S17). Each refusal has its line in the log (S74). Call outside a transaction.
    """
    outcome: Traded | Refused = Refused(cause=Cause.UNKNOWN, holder=None)
    if presented is not None:
        with transaction.atomic(using=router.db_for_write(RefreshToken)):
            outcome = _Trade(presented, client, scope.split(), end_user).outcome()
    if isinstance(outcome, Refused):
        log.info("refresh refused: %s (client %s)", outcome.cause, client.pk)
    metrics.REFRESHES.labels(outcome.cause if isinstance(outcome, Refused) else metrics.OK).inc()
    return outcome


class _Trade:
    """One trade, in its transaction."""

    def __init__(self, presented: Presented, client: Client, requested: list[str], end_user: Caller) -> None:
        self.presented = presented
        self.client = client
        self.requested = requested
        self.end_user = end_user

    def outcome(self) -> Traded | Refused:
        session = rows.locked_session(self.presented.family)
        # After the lock, for which it may have waited.
        self.now = clock.now()
        if session is None:
            return self._refused(Cause.REVOKED)
        if session.client_id != self.client.pk:
            return self._refused(Cause.WRONG_CLIENT)
        # Read before the lock: whatever disables an account ends its sessions in the same transaction.
        if not self.presented.account.is_active:
            return self._refused(Cause.ACCOUNT_DISABLED)
        if session.expires_at <= self.now:
            return self._refused(Cause.SESSION_EXPIRED)
        # The scope of its access token never changes.
        scope = self._granted(self.presented.scope)
        if (
            self.presented.revoked is None
            and self._in_time()
            and scope is not None
            and rows.supersede(self.presented, now=self.now)
        ):
            return self._next(session, scope)
        # Read again, now under the lock: another request may have traded it, or given a lost answer again.
        found = rows.find(self.presented.token)
        if found is None:
            return self._refused(Cause.REVOKED)
        self.presented = found
        if found.revoked is not None:
            return self._again(session, found.revoked)
        # Another scope does not help a client whose token is dead.
        return self._refused(Cause.SCOPE if scope is None and self._in_time() else Cause.EXPIRED)

    def _in_time(self) -> bool:
        """Whether the refresh token has not been idle for too long; one whose access token was deleted is an orphan."""
        expires = self.presented.access_expires
        return expires is not None and self.now < expires + timedelta(seconds=latchkey().refresh_token_idle_lifetime)

    def _next(self, session: Session, scope: str) -> Traded:
        access_token, refresh_token = next(self._derived())
        pair = Pair(
            access_token=access_token, refresh_token=refresh_token, scope=scope, expires_in=access_token_lifetime()
        )
        unused = rows.insert_pair(
            access_token=access_token,
            refresh_token=refresh_token,
            expires_in=pair.expires_in,
            scope=scope,
            resource=self.presented.resource,
            account=self.presented.account,
            client=self.client,
            family=self.presented.family,
            source=self.presented.pk,
            now=self.now,
        )
        return self._traded(session, pair, unused)

    def _again(self, session: Session, revoked: datetime) -> Traded | Refused:
        """Answer a repeated request with the pair that the first one got, or end the session."""
        successor = rows.successor_of(self.presented.pk)
        replay = judge_replay(successor, session, self.now)
        graced = self.now - revoked < timedelta(seconds=latchkey().refresh_token_grace)
        if successor is None or (replay is Replay.AFTER_USE and not graced):
            # Two hold what is in the browser's cookies.
            end_family(self.presented.family, cause=replay, caller=self.end_user, forgets_browser=True)
            return self._refused(replay)
        stored = [successor.access_checksum, successor.refresh_checksum]
        # Another server may have traded it, with another first key.
        issued = next((pair for pair in self._derived() if [*map(checksum, pair)] == stored), None)
        if issued is None:
            return self._refused(Cause.KEY_CHANGED)
        if self._granted(successor.scope) is None:
            return self._refused(Cause.SCOPE)
        expires = successor.expires
        if replay is Replay.ANSWER_LOST:
            if expires <= self.now:
                expires = self.now + timedelta(seconds=access_token_lifetime())
            rows.open_grace(self.presented, successor, expires=expires, now=self.now)
        pair = Pair(
            access_token=issued[0],
            refresh_token=issued[1],
            scope=successor.scope,
            expires_in=max(0, round((expires - self.now).total_seconds())),
        )
        return self._traded(session, pair, session.unused_token_id)

    def _traded(self, session: Session, pair: Pair, unused_token_id: int | None) -> Traded:
        rows.touch(session, unused_token_id=unused_token_id, end_user=self.end_user, now=self.now)
        # No security event: it would be a row for each session every few minutes.
        log.info("refreshed: session %s (client %s)", session.pk, session.client_id)
        return Traded(pair=pair, account=self.presented.account, session_expires_at=session.expires_at)

    def _granted(self, original: str) -> str | None:
        """The requested scopes, by default all; None if one was not granted before (S20)."""
        scopes = still_allowed(original.split(), self.client)
        if not set(self.requested) <= set(scopes):
            return None
        return " ".join(dict.fromkeys(self.requested or scopes))

    def _derived(self) -> Iterator[tuple[str, str]]:
        """The pairs that the refresh token can be traded for, one for each key, of 256 bits each (S14)."""
        return zip(self._successors("access"), self._successors("refresh"), strict=True)

    def _successors(self, kind: str) -> Iterator[str]:
        message = f"{kind}|{self.presented.family}|{self.presented.pk}|{self.presented.token}"
        for digest in digests("accounts.bearer_tokens.successor", message):
            yield base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _refused(self, cause: Cause | Replay) -> Refused:
        return Refused(cause=cause, holder=self.presented.account.pk)


def judge_replay(successor: Successor | None, session: Session, now: datetime) -> Replay:
    """The meaning of a replay, by the pair that the replayed refresh token was traded for, if it exists."""
    if successor is None:
        return Replay.GRANDPARENT
    idle_until = successor.expires + timedelta(seconds=latchkey().refresh_token_idle_lifetime)
    unused = session.unused_token_id == successor.pk
    return Replay.ANSWER_LOST if unused and now < idle_until else Replay.AFTER_USE
