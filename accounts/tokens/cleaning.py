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
- an expired authorization code or device code;

and besides, a session that has expired, or was idle for too long.

A refresh never meets these locks. It writes rows of a living session, and what is deleted here cannot be refreshed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_device_grant_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from accounts.conf import latchkey
from accounts.shared.sweeping import Rows, Slice, delete, locked, some, sweep, sweep_dead, sweep_expired
from accounts.tokens.families import live
from accounts.tokens.models import Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()
IDToken = get_id_token_model()
Grant = get_grant_model()
DeviceGrant = get_device_grant_model()


def _idle_since() -> datetime:
    """When a refresh token must have been traded, or its access token have expired, to be over."""
    return timezone.now() - timedelta(seconds=latchkey().refresh_token_idle_lifetime)


def clear_access_tokens() -> int:
    """Delete access tokens that are over, with the refresh tokens that they end; returns the number of the former."""
    now, idle_since = timezone.now(), _idle_since()
    return sweep(AccessToken, lambda part: _clear_pairs(part, now, idle_since))


def clear_refresh_tokens() -> int:
    """Delete refresh tokens that were traded or revoked long ago; returns their number."""
    idle_since = _idle_since()
    return sweep(RefreshToken, lambda part: _clear_refresh_tokens(part, idle_since))


def clear_id_tokens() -> int:
    """Delete expired ID tokens; returns their number."""
    now = timezone.now()
    return sweep_dead(IDToken, lambda part: _id_tokens(part).filter(expires__lt=now))


def clear_sessions() -> int:
    """Delete sessions that have expired, or were idle for too long; returns their number."""
    dead = ~live()
    return sweep_dead(Session, lambda part: part.of(Session).filter(dead))


CLEARING: dict[str, Callable[[], int]] = {
    "access tokens": clear_access_tokens,
    "refresh tokens": clear_refresh_tokens,
    "ID tokens": clear_id_tokens,
    "authorization codes": partial(sweep_expired, Grant, "expires"),
    "device codes": partial(sweep_expired, DeviceGrant, "expires"),
    "sessions": clear_sessions,
}
"""The function that deletes each kind, in this order.

Each in autocommit. It may run beside itself and beside all else, and be stopped at any time.
"""


def _clear_pairs(part: Slice, now: datetime, idle_since: datetime) -> int:
    """Of a slice of the access tokens: refresh tokens that are over, then access tokens without a refresh token."""
    access_tokens, refresh_tokens = part.of(AccessToken), part.of(RefreshToken, "access_token")
    idle = access_tokens.filter(expires__lte=idle_since)
    over = refresh_tokens.filter(_over(idle_since) | Q(revoked=None, access_token__in=idle))
    bare = access_tokens.filter(~Exists(refresh_tokens.filter(access_token=OuterRef("pk"))), expires__lt=now)
    # Before a transaction, as in `sweep_dead`.
    found = list(over.values_list("pk", flat=True))
    if not found and not some(bare):
        return 0
    with transaction.atomic(using=part.database):
        if found:
            span = Slice(database=part.database, first=min(found), end=max(found) + 1)
            # The repeat of a lost answer prolongs an access token (S68), but none that is locked here.
            over = refresh_tokens.filter(_over(idle_since) | Q(revoked=None, access_token__in=locked(idle)))
            _delete_refresh_tokens(refresh_tokens, over.filter(pk__gte=span.first, pk__lt=span.end), span)
        return delete(access_tokens, bare)


def _clear_refresh_tokens(part: Slice, idle_since: datetime) -> int:
    """Of a slice of the refresh tokens: those that are over, but for the idle ones."""
    refresh_tokens = part.of(RefreshToken)
    over = refresh_tokens.filter(_over(idle_since) | Q(revoked=None, access_token=None))
    if not some(over):
        return 0
    with transaction.atomic(using=part.database):
        return _delete_refresh_tokens(refresh_tokens, over, part)


def _over(idle_since: datetime) -> Q:
    """Traded or revoked long ago."""
    return Q(revoked__lte=idle_since)


def _delete_refresh_tokens(of: Rows, rows: Rows, part: Slice) -> int:
    """Delete refresh tokens, whose keys are in the slice, but not if somebody else holds the token traded for one."""
    successors = part.of(AccessToken, "source_refresh_token")
    # Few: access tokens that somebody left behind.
    if some(successors.filter(source_refresh_token__in=rows)):
        left = successors.filter(source_refresh_token__in=locked(rows))
        successors.filter(pk__in=locked(left)).update(source_refresh_token=None)
    return delete(of, rows.filter(~Exists(successors.filter(source_refresh_token=OuterRef("pk")))))


def _id_tokens(part: Slice) -> Rows:
    """ID tokens without an access token."""
    held = part.of(AccessToken, "id_token").filter(id_token=OuterRef("pk"))
    return part.of(IDToken).filter(~Exists(held))
