"""Browsers that are not asked for a second factor for a while: remembered, known again, and forgotten.

Its cookie holds a random token, of which the digest is stored. The token counts for one account, within
MFA_REMEMBER_DAYS of the second factor that was shown, and once: each sign-in replaces it.
"""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.conf import latchkey
from accounts.factors.models import RememberedBrowser
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.single_use import digest_of
from accounts.shared.sweeping import sweep_expired

MOST = 20
"""Browsers of one account. One more ends the one that was remembered first."""
LONGEST_TOKEN = 100
"""Characters of a cookie's value. Ours have 43."""


@dataclass(frozen=True, kw_only=True)
class BrowserToken:
    """What a browser keeps in its cookie, and the seconds for which it counts."""

    value: str = field(repr=False)
    expires_in: int


def is_remembered(token: str, account: Account) -> bool:
    """Whether this is the token of a browser of this account; no statement without a token."""
    return _is_possible(token) and _live(account).filter(digest=digest_of(token)).exists()


def remember(account: Account, *, session: uuid.UUID, instead_of: str = "") -> BrowserToken:
    """Remember the browser in which this session begins, whose token was another one before.

    Call in the transaction that begins the session.
    """
    if instead_of:
        RememberedBrowser.objects.filter(account=account, digest=digest_of(instead_of)).delete()
    token, now = secrets.token_urlsafe(32), clock.now()
    expires_at = now + timedelta(days=latchkey().mfa_remember_days)
    RememberedBrowser.objects.create(
        digest=digest_of(token), account=account, session_id=session, created_at=now, expires_at=expires_at
    )
    newest = RememberedBrowser.objects.filter(account=account).order_by("-created_at", "digest")
    too_many = list(newest.values_list("digest", flat=True)[MOST:])
    RememberedBrowser.objects.filter(digest__in=too_many).delete()
    events.record(EventType.BROWSER_REMEMBERED, subject=account.pk, actor=account.pk)
    return BrowserToken(value=token, expires_in=_seconds_until(expires_at))


def renew(token: str, account: Account, *, session: uuid.UUID) -> BrowserToken | None:
    """Replace the token of this account's browser, in which this session begins; None if it does not count any more.

    Of two sign-ins that present the same token at once, one finds it replaced. Call in the transaction that begins the
    session.
    """
    if not _is_possible(token):
        return None
    renewed = secrets.token_urlsafe(32)
    presented = _live(account).filter(digest=digest_of(token))
    if not presented.update(digest=digest_of(renewed), session_id=session):
        return None
    expires_at = RememberedBrowser.objects.values_list("expires_at", flat=True).get(digest=digest_of(renewed))
    return BrowserToken(value=renewed, expires_in=_seconds_until(expires_at))


def live() -> QuerySet[RememberedBrowser]:
    """The browsers that are not asked. A shorter MFA_REMEMBER_DAYS counts for those of before too."""
    now, days = clock.now(), latchkey().mfa_remember_days
    return RememberedBrowser.objects.filter(expires_at__gt=now, created_at__gt=now - timedelta(days=days))


def forget_that_of(session: uuid.UUID) -> None:
    """Ask again in the browser in which this session began: its holder does not want it there."""
    RememberedBrowser.objects.filter(session_id=session).delete()


def clear_expired() -> int:
    """Delete the browsers that are asked again anyway; returns their number."""
    return sweep_expired(RememberedBrowser)


def _live(account: Account) -> QuerySet[RememberedBrowser]:
    return live().filter(account=account)


def _is_possible(token: str) -> bool:
    return 0 < len(token) <= LONGEST_TOKEN and latchkey().mfa_remember_days > 0


def _seconds_until(moment: datetime) -> int:
    return round((moment - clock.now()).total_seconds())
