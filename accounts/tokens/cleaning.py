"""Deletes tokens and sessions that nothing can use any more.

The rows are those that DOT's `clear_expired` deletes, which counts all of them anew before each batch and collects what
refers to each:

- a traded or revoked refresh token, once it was that for the idle lifetime. Until then, presenting it ends the session
  (S17) and has its cause in the log (S74). The row beyond that time would show no more than that somebody has an old
  copy of what opens nothing;
- a refresh token that was not revoked and has lost its access token, which DOT refuses: somebody deleted the latter by
  hand;
- a refresh token whose access token expired an idle lifetime ago, which DOT refuses as expired;
- an expired access token that no refresh token belongs to. One with a refresh token stays as long as that: DOT reads
  the scope and the idle time off it;
- an expired ID token that no access token belongs to;
- an expired authorization code;

and besides, a session that has expired, or was idle for too long.

A refresh never meets these locks. It writes rows of a living session, and what is deleted here cannot be refreshed.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from accounts.conf import latchkey
from accounts.shared.sweeping import Clear, among, clear_where, delete, keys, locked, sweep
from accounts.tokens.families import live
from accounts.tokens.models import Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()
IDToken = get_id_token_model()

log = logging.getLogger(__name__)


def clear_expired() -> int:
    """Delete expired tokens and sessions; returns the number of sessions.

    Run it daily, in autocommit. It may run beside itself and beside all else, and be stopped at any time.
    """
    now = timezone.now()
    idle_since = now - timedelta(seconds=latchkey().refresh_token_idle_lifetime)
    refresh_tokens = sweep(RefreshToken, _revoked_or_orphaned(idle_since))
    # Afterwards, as an access token lasts as long as its refresh token.
    access_tokens = sweep(AccessToken, _expired(now, idle_since))
    id_tokens = sweep(IDToken, _without_access_token(now))
    grants = sweep(get_grant_model(), clear_where(Q(expires__lt=now)))
    sessions = sweep(Session, clear_where(~live()))
    log.info(
        "cleared: %d revoked refresh tokens, %d access tokens and their refresh tokens, %d ID tokens, %d codes,"
        " %d sessions",
        refresh_tokens,
        access_tokens,
        id_tokens,
        grants,
        sessions,
    )
    return sessions


def _revoked_or_orphaned(idle_since: datetime) -> Clear:
    over = Q(revoked__lte=idle_since) | Q(revoked=None, access_token=None)

    def clear(rows: "QuerySet[Any, Any]") -> int:
        found = keys(rows.filter(over))
        if not found:
            return 0
        with transaction.atomic(using=rows.db):
            return _delete_refresh_tokens(locked(among(rows, found).filter(over)), rows.db)

    return clear


def _expired(now: datetime, idle_since: datetime) -> Clear:
    """Access tokens without a refresh token, or with an idle one, which is deleted with it."""

    def clear(rows: "QuerySet[Any, Any]") -> int:
        expired = dict(rows.filter(expires__lt=now).values_list("pk", "expires"))
        # Read before anything is locked: the refresh of a living session replaces an expired access token.
        kept = {
            token
            for token, revoked in _holders(expired, rows.db).values_list("access_token", "revoked")
            if revoked is not None or expired[token] > idle_since
        }
        found = expired.keys() - kept
        if not found:
            return 0
        with transaction.atomic(using=rows.db):
            # Under the lock nobody gives them a refresh token, and no repeat of a lost answer prolongs them.
            ours = locked(among(rows, found).filter(expires__lt=now))
            idle = keys(among(rows, ours).filter(expires__lte=idle_since))
            _delete_refresh_tokens(locked(_holders(idle, rows.db).filter(revoked=None)), rows.db)
            held = _holders(ours, rows.db).values_list("access_token", flat=True)
            return delete(rows, set(ours).difference(held))

    return clear


def _without_access_token(now: datetime) -> Clear:
    def clear(rows: "QuerySet[Any, Any]") -> int:
        found = bare(keys(rows.filter(expires__lt=now)), rows.db)
        if not found:
            return 0
        with transaction.atomic(using=rows.db):
            return delete(rows, bare(locked(among(rows, found)), rows.db))

    def bare(id_tokens: Collection[int], database: str) -> set[int]:
        held = among(_all(AccessToken, database), id_tokens, "id_token").values_list("id_token", flat=True)
        return set(id_tokens).difference(held)

    return clear


def _delete_refresh_tokens(pks: Collection[int], database: str) -> int:
    """Delete these, which are locked, but not if somebody else holds the access token that one was traded for."""
    successors = among(_all(AccessToken, database), pks, "source_refresh_token")
    among(_all(AccessToken, database), locked(successors)).update(source_refresh_token=None)
    held = successors.values_list("source_refresh_token", flat=True)
    return delete(_all(RefreshToken, database), set(pks).difference(held))


def _holders(access_tokens: Collection[int], database: str) -> "QuerySet[Any, Any]":
    """The refresh tokens of these access tokens."""
    return among(_all(RefreshToken, database), access_tokens, "access_token")


def _all(model: type[Model], database: str) -> "QuerySet[Any, Any]":
    return model._base_manager.using(database)  # noqa: SLF001 - public in practice
