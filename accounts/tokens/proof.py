"""How long ago the holder of a session proved who they are, and which changes need that to be recent."""

from datetime import datetime, timedelta

from accounts.conf import latchkey
from accounts.shared import clock
from accounts.tokens.bearer import Bearer
from accounts.tokens.errors import InvalidToken, ReauthenticationRequired
from accounts.tokens.models import AuthenticationMethod, Session
from accounts.tokens.sessions import never_had_session, session_of


def require_recent_proof(bearer: Bearer) -> None:
    """Refuse a sensitive change in a session whose holder has not proved lately who they are (S88).

    The one place of that rule. Raises ReauthenticationRequired; InvalidToken if the session has ended meanwhile, or
    another tab has refreshed it: then no proof is missing, but the next access token.
    """
    session = session_of(bearer)
    if session is None and not never_had_session(bearer):
        raise InvalidToken("The access token was revoked just now.")
    until = session and proved_until(session)
    if not until or until <= clock.now():
        raise ReauthenticationRequired


def prove(bearer: Bearer, method: AuthenticationMethod) -> int:
    """Record that the session's holder has proved just now who they are; returns the seconds for which that counts.

    Call in a transaction that holds the account's lock. Raises InvalidToken if the session has ended meanwhile.
    """
    found = session_of(bearer)
    session = found and Session.objects.select_for_update().filter(pk=found.pk).first()
    if session is None:
        raise InvalidToken("The session was ended just now.")
    session.authenticated_at = clock.now()
    session.authentication_methods = list(dict.fromkeys([*session.authentication_methods, method]))
    session.save(update_fields=["authenticated_at", "authentication_methods"])
    return latchkey().reauthentication_lifetime


def proved_until(session: Session) -> datetime | None:
    """When the last proof stops allowing sensitive changes; None if nothing was ever proved in this session.

    A sign-in is such a proof. A session that other code began without one (`issue` without methods, an authorization
    code) is never fresh.
    """
    if not session.authentication_methods:
        return None
    return session.authenticated_at + timedelta(seconds=latchkey().reauthentication_lifetime)
