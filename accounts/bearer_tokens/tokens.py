"""Issue, refresh and revoke pairs of tokens."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import clear_expired as clear_expired_tokens
from oauth2_provider.models import get_refresh_token_model
from oauthlib.common import Request
from oauthlib.oauth2 import OAuth2Error

from accounts.bearer_tokens.clients import INTERNAL_URI, ClientGrant, authenticate_client
from accounts.bearer_tokens.server import checksum, end_family, family_of, server
from accounts.caller import Caller
from accounts.conf import latchkey
from accounts.exceptions import AccountDisabled, AccountsError, InvalidClient, InvalidGrant, InvalidScope
from accounts.models import Account, Challenge, Session, SpentCredential

REFUSALS: dict[str, type[AccountsError]] = {
    "invalid_grant": InvalidGrant,
    "invalid_scope": InvalidScope,
    "invalid_client": InvalidClient,
    "unauthorized_client": InvalidClient,
}
"""RFC 6749 §5.2."""


@dataclass(frozen=True, kw_only=True)
class TokenSet:
    """A pair of tokens (RFC 6749 §5.1); durations in seconds."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str
    refresh_token_expires_in: int
    token_type: ClassVar[str] = "Bearer"  # noqa: S105 - a scheme


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """The outcome of a refresh."""

    account: Account
    tokens: TokenSet


@transaction.atomic
def issue(*, account: Account, grant: ClientGrant, caller: Caller) -> TokenSet:
    """Begin a session: the account is signed in with the client from now on, and `last_login` says so.

    The caller of this function has to have proven who the account's holder is; this is also how one's own code
    (a migration, an impersonation tool, another way to sign in) gets tokens. Raises AccountDisabled.
    """
    now = timezone.now()
    # What was proven may have ended while it was: the account disabled, its password changed, its holder displaced.
    # Whoever does that writes the row first, and then ends the sessions that are there (S9, S10, S13).
    unchanged = Account.objects.filter(pk=account.pk, is_active=True, password=account.password)
    if not unchanged.update(last_login=now):
        raise AccountDisabled
    account.last_login = now
    request: Any = Request(INTERNAL_URI, "POST", {}, {})
    request.client, request.user, request.scopes = grant.client, account, list(grant.scopes)
    request.caller = caller
    handler = server().default_token_type
    token = handler.create_token(request, refresh_token=True)
    handler.request_validator.save_token(token, request)
    return _token_set(token, session_ends_in=latchkey().session_lifetime)


def refresh(
    *,
    refresh_token: str,
    client_id: str | None = None,
    client_secret: str | None = None,
    scope: str | None = None,
    caller: Caller,
) -> Refreshed:
    """Trade a refresh token for the next pair (RFC 6749 §6).

    Without `client_id`, the client is known by its token. Raises InvalidGrant, InvalidClient, InvalidScope.
    """
    client = authenticate_client(client_id=client_id or _client_of(refresh_token), client_secret=client_secret)
    parameters = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client.client_id,
    }
    request: Any = Request(INTERNAL_URI, "POST", parameters | ({"scope": scope} if scope else {}), {})
    request.client, request.client_secret, request.caller = client, client_secret, caller
    request.scopes = request.extra_credentials = None
    try:
        _headers, body, status = (
            server().grant_types["refresh_token"].create_token_response(request, server().default_token_type)
        )
    except OAuth2Error as error:
        raise REFUSALS.get(str(error.error), InvalidGrant) from error
    answer = json.loads(body)
    if status != 200:  # noqa: PLR2004 - HTTP
        raise REFUSALS.get(answer["error"], InvalidGrant)
    session: Session = request.session
    session_ends_in = round((session.expires_at - timezone.now()).total_seconds())
    return Refreshed(account=request.user, tokens=_token_set(answer, session_ends_in=session_ends_in))


def revoke(*, token: str, client_id: str | None = None, client_secret: str | None = None) -> None:
    """End the session that an access or refresh token belongs to; unknown tokens are no error (RFC 7009 §2.2).

    Raises InvalidClient, also if the token is another client's (§2.1): it would live on behind a success.
    """
    issued_to = _client_of(token)
    client = authenticate_client(client_id=client_id or issued_to, client_secret=client_secret)
    if issued_to not in {None, client.client_id}:
        raise InvalidClient(field=("client_id",))
    family = family_of(token, client=client)
    if family is not None:
        end_family(family)


def end_session(session: Session) -> None:
    """Sign out: the session's tokens stop working at once, also those that an answer under way carries."""
    end_family(session.token_family)


def end_sessions(account: Account) -> None:
    """Sign the account out everywhere."""
    for session in account.sessions.all():
        end_session(session)


def clear_expired() -> int:
    """Delete what can never work again; returns how many sessions. To be run daily."""
    clear_expired_tokens()
    settings = latchkey()
    now = timezone.now()
    Challenge.objects.filter(expires_at__lte=now).delete()
    SpentCredential.objects.filter(expires_at__lte=now).delete()
    idle_since = now - timedelta(seconds=settings.access_token_lifetime + settings.refresh_token_idle_lifetime)
    ended, _per_model = Session.objects.filter(Q(expires_at__lte=now) | Q(last_used_at__lte=idle_since)).delete()
    return ended


def _client_of(token: str) -> str | None:
    """The id of the client that a token was issued to; None for an unknown token."""
    ids = get_refresh_token_model().objects.values_list("application__client_id", flat=True)
    digest = checksum(token)
    client_id: str | None = (
        ids.filter(token_checksum=digest).first() or ids.filter(access_token__token_checksum=digest).first()
    )
    return client_id


def _token_set(token: dict[str, Any], *, session_ends_in: int) -> TokenSet:
    idle = token["expires_in"] + latchkey().refresh_token_idle_lifetime
    return TokenSet(
        access_token=token["access_token"],
        expires_in=token["expires_in"],
        scope=token["scope"],
        refresh_token=token["refresh_token"],
        refresh_token_expires_in=min(idle, session_ends_in),
    )
