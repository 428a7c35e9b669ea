"""How long ago the holder of a session proved who they are, and which changes need that to be recent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

from accounts.conf import latchkey
from accounts.factors.state import factors_of
from accounts.people.models import Account
from accounts.shared import clock
from accounts.tokens.bearer import Bearer
from accounts.tokens.errors import InvalidToken, ReauthenticationRequired
from accounts.tokens.models import FIRST_FACTORS, SECOND_FACTORS, AuthenticationMethod, Session
from accounts.tokens.sessions import never_had_session, session_of


def require_recent_proof(bearer: Bearer) -> None:
    """Refuse a sensitive change in a session whose holder has not proved lately who they are (S88).

    With a second factor on, that takes a first factor and a second one. The one place of that rule. Raises
    ReauthenticationRequired; InvalidToken if the session has ended meanwhile, or another tab has refreshed it: then no
    proof is missing, but the next access token.
    """
    session = _session(bearer)
    if session is None or not is_recent(session, with_factor=factors_of(bearer.account).enabled):
        raise ReauthenticationRequired


def require_recent_factor(bearer: Bearer) -> None:
    """As `require_recent_proof`, for a change that is a proof of the first factor itself (S88)."""
    if not factors_of(bearer.account).enabled:
        return
    session = _session(bearer)
    if session is None or not _counts(session.factor_proved_at):
        raise ReauthenticationRequired


def prove(bearer: Bearer, method: AuthenticationMethod) -> Session:
    """Record that the session's holder has proved just now who they are, and return the session.

    A passkey counts as both factors: the caller has checked that it verified its user. Call in a transaction that holds
    the account's lock. Raises InvalidToken if the session has ended meanwhile.
    """
    found = session_of(bearer)
    session = found and Session.objects.select_for_update().filter(pk=found.pk).first()
    if session is None:
        raise InvalidToken("The session was ended just now.")
    now = clock.now()
    if method in FIRST_FACTORS:
        session.authenticated_at = now
    if method in SECOND_FACTORS:
        session.factor_proved_at = now
    session.authentication_methods = list(dict.fromkeys([*session.authentication_methods, method]))
    session.save(update_fields=["authenticated_at", "factor_proved_at", "authentication_methods"])
    return session


def is_recent(session: Session, *, with_factor: bool) -> bool:
    """Whether the proofs of this session allow sensitive changes now."""
    until = proved_until(session, with_factor=with_factor)
    return until is not None and until > clock.now()


def proved_until(session: Session, *, with_factor: bool) -> datetime | None:
    """When the last proofs stop allowing sensitive changes; None if one of them was never given in this session.

    `with_factor` says whether the account has a second factor on. A sign-in is a proof of what it has shown.
    """
    proofs = [first_factor_shown(session), session.factor_proved_at] if with_factor else [first_factor_shown(session)]
    shown = [proof for proof in proofs if proof is not None]
    return _until(min(shown)) if len(shown) == len(proofs) else None


def freshness_of(account: Account) -> Callable[[Session], datetime | None]:
    """`proved_until` for the sessions of this account; one statement for all of them, once the first is asked for."""
    with_factor = cache(lambda: factors_of(account).enabled)
    return lambda session: proved_until(session, with_factor=with_factor())


def first_factor_shown(session: Session) -> datetime | None:
    """When the holder last showed a first factor, or a passkey; None if never.

    A session that other code began without one (`issue` without methods, an authorization code) is never fresh, not
    even once a second factor was shown in it.
    """
    return session.authenticated_at if FIRST_FACTORS.intersection(session.authentication_methods) else None


def _session(bearer: Bearer) -> Session | None:
    """The bearer's session; None if the token never had one. Raises InvalidToken if it has ended meanwhile."""
    session = session_of(bearer)
    if session is None and not never_had_session(bearer):
        raise InvalidToken("The access token was revoked just now.")
    return session


def _counts(proof: datetime | None) -> bool:
    return proof is not None and _until(proof) > clock.now()


def _until(proof: datetime) -> datetime:
    return proof + timedelta(seconds=latchkey().reauthentication_lifetime)
