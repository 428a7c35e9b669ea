"""The OAuth server that GraphQL and `/o/token/` share: DOT's, with a rotation that survives races and lost answers.

What goes wrong without it, measured on DOT 3.4.1 with hashed tokens: of 20 simultaneous refreshes of one token 19
end in a 500 or in blank tokens; a replay that races a refresh can bring a revoked family back to life; a phone
that was put away before the answer came is signed out. Hence:

- the lock is the family's Session row, taken before anything is validated, and validation and rotation are one
  transaction (RFC 9700 §4.14.2 asks for rotation, and is silent about races);
- the successors of a refresh token are an HMAC of it, so that a repeated request is answered with the same pair
  although only hashes are stored;
- as long as neither token of a successor pair has been used, its predecessor is answered again (S68).
"""

import base64
import hashlib
import logging
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import SettingsScopes, get_scopes_backend
from oauth2_provider.views import TokenView
from oauthlib.common import Request
from oauthlib.oauth2 import Server
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error
from oauthlib.oauth2.rfc6749.utils import scope_to_list

from accounts.conf import latchkey
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens.exchange import Exchange, exchange_of, oauthlib_request, remember
from accounts.tokens.grants import AtomicGrant, RefreshGrant, record_refusal
from accounts.tokens.models import Client, Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()

log = logging.getLogger(__name__)

TOO_MANY = "too many sessions"
"""The cause of an end."""


def checksum(token: str) -> str:
    """The form in which DOT stores a token and looks it up."""
    return hashlib.sha256(token.encode()).hexdigest()


def access_token_lifetime(_request: Request | None = None) -> int:
    """Seconds: the maximum less a random part, so that clients do not all refresh at once."""
    settings = latchkey()
    return settings.access_token_lifetime - secrets.randbelow(settings.access_token_jitter + 1)


def access_token_generator(request: Request) -> str:
    """A new access token."""
    return _token(request, "access")


def refresh_token_generator(request: Request) -> str:
    """A new refresh token."""
    return _token(request, "refresh")


def _token(request: Request, kind: str) -> str:
    """256 bits: random, or the one successor that a refresh token can have (S14)."""
    exchange = exchange_of(request)
    predecessor = exchange.predecessor
    if predecessor is None:
        return secrets.token_urlsafe(32)
    message = f"{kind}|{predecessor.token_family}|{predecessor.pk}|{exchange.refresh_token}"
    successor = salted_hmac("accounts.bearer_tokens.successor", message, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(successor).rstrip(b"=").decode()


class ScopesByClient(SettingsScopes):
    """Restricts the scope `account`, which opens the API, to our own clients (S60)."""

    def get_available_scopes(
        self, application: Client | None = None, request: Request | None = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """The scopes that a client may request."""
        scopes = super().get_available_scopes(application, request, *args, **kwargs)
        return [s for s in scopes if s != "account" or (application is not None and application.first_party)]

    def get_default_scopes(
        self, application: Client | None = None, request: Request | None = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """The scopes of a client that requests none."""
        available = self.get_available_scopes(application, request)
        return [s for s in super().get_default_scopes(application, request, *args, **kwargs) if s in available]


class Replay(StrEnum):
    """Why a refresh token that was traded before comes again. The values are the causes in the log (S74)."""

    GRANDPARENT = "replayed, grandparent"
    """Its successor was traded too."""
    ANSWER_LOST = "answer lost"
    """Neither token of the successor pair was used, so the client did not receive them (S68)."""
    AFTER_USE = "replayed after use"
    """The client retries, within the grace period, or two parties hold the token."""


def judge_replay(successor: Any, session: Session, now: datetime) -> Replay:
    """The meaning of a replay, by the access token that the replayed refresh token was traded for, if it exists."""
    if successor is None:
        return Replay.GRANDPARENT
    idle_until = successor.expires + timedelta(seconds=latchkey().refresh_token_idle_lifetime)
    unused = session.unused_token_id == successor.pk
    return Replay.ANSWER_LOST if unused and now < idle_until else Replay.AFTER_USE


def _open_grace(token: Any, successor: Any, now: datetime) -> None:
    """Let DOT answer a traded refresh token once more, with a live access token."""
    RefreshToken.objects.filter(pk=token.pk).update(revoked=now)
    if successor.expires <= now:
        expires = now + timedelta(seconds=access_token_lifetime())
        AccessToken.objects.filter(pk=successor.pk).update(expires=expires)


class Validator(OAuth2Validator):
    """DOT's validator, under the lock of the session."""

    def _load_application(self, client_id: str | None, request: Any) -> Client | None:
        # No client id holds NUL, and PostgreSQL text cannot: the query would raise.
        if "\0" in (client_id or ""):
            return None
        client: Client | None = super()._load_application(client_id, request)
        return client

    def _extract_basic_auth(self, request: Any) -> str | None:
        return basic_credentials(request.headers.get("HTTP_AUTHORIZATION"))

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether the client shows its secret. Only then its word about the end user counts (S64)."""
        shown: bool = super().authenticate_client(request, *args, **kwargs)
        remember(request, authenticated=request.client if shown else None)
        return shown

    def passes(self, request: Any) -> bool:
        """Whether an exchange passes the limits: its client presents a live token or code, which nobody can guess."""
        by_code = request.grant_type == "authorization_code"
        client = client_of_code(request.code or "") if by_code else client_of_live(request.refresh_token or "")
        if client is None:
            return False
        # Else somebody with a token of their own could guess the secrets of clients.
        shown: bool = (
            self.authenticate_client(request)
            if self.client_authentication_required(request)
            else self.authenticate_client_id(request.client_id, request)
        )
        return shown and request.client.pk == client

    def validate_refresh_token(
        self, refresh_token: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the token may be traded. A replay ends the session (S17); each cause has its log line (S74)."""
        cause = self._refusal(refresh_token, client, request, *args, **kwargs)
        if cause is not None:
            log.info("refresh refused: %s (client %s)", cause, client.pk)
            remember(request, cause=cause)
        return cause is None

    def _refusal(self, refresh_token: str, client: Client, request: Any, *args: Any, **kwargs: Any) -> str | None:
        tokens = RefreshToken.objects.filter(token_checksum=checksum(refresh_token))
        # Family and account of a token never change, so they may be read before the lock; all else is read under it.
        family, holder = tokens.values_list("token_family", "user").first() or (None, None)
        if family is None:
            return "unknown"
        remember(request, holder=holder)
        session = (
            Session.objects.select_for_update(of=("self",))
            .select_related("account")
            .filter(token_family=family)
            .first()
        )
        token = tokens.order_by("-pk").first()
        if session is None or token is None:
            return "revoked"
        if session.client_id != client.pk:
            return "wrong client"
        if not session.account.is_active:
            return "account disabled"
        if session.expires_at <= timezone.now():
            return "session expired"
        replay = None
        if token.revoked is not None:
            # A pair whose refresh token was deleted is not given again.
            successors = AccessToken.objects.filter(source_refresh_token=token, refresh_token__isnull=False)
            successor, now = successors.first(), timezone.now()
            replay = judge_replay(successor, session, now)
            if replay is Replay.ANSWER_LOST:
                _open_grace(token, successor, now)
        # DOT decides whether the grace period covers a replay.
        if super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            remember(request, refresh_token=refresh_token, session=session, predecessor=token)
            return None
        if replay is None:
            return "expired"
        end_family(family, cause=replay, caller=exchange_of(request).end_user)
        return replay

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """As DOT, without scopes that the client may no longer have (S60)."""
        original = scope_to_list(super().get_original_scopes(refresh_token, request, *args, **kwargs)) or []
        return _still_allowed(original, request)

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        derived = token["access_token"], token.get("refresh_token")
        super()._save_bearer_token(token, request, *args, **kwargs)
        if not token["access_token"]:
            # A repeated request: DOT found the pair that the first one made, but stores only its hashes.
            token["access_token"], token["refresh_token"] = derived
            token["expires_in"] = _seconds_left(derived)
        exchange = exchange_of(request)
        session, end_user = exchange.session, exchange.end_user
        if session is not None:
            session.last_used_at = timezone.now()
            session.ip_address, session.user_agent = end_user.ip_address, end_user.user_agent
            session.save(update_fields=["last_used_at", "ip_address", "user_agent", "unused_token_id"])
            # No security event: it would be a row for each session every few minutes.
            log.info("refreshed: session %s (client %s)", session.pk, session.client_id)

    def _create_refresh_token(
        self, request: Any, refresh_token_code: str, access_token: Any, previous_refresh_token: Any
    ) -> Any:
        token = super()._create_refresh_token(request, refresh_token_code, access_token, previous_refresh_token)
        exchange = exchange_of(request)
        if exchange.session is not None:
            exchange.session.unused_token_id = access_token.pk
        else:
            make_room(request.user.pk)
            Session.objects.create(
                token_family=token.token_family,
                account=request.user,
                client=request.client,
                authentication_methods=list(exchange.methods),
                expires_at=timezone.now() + timedelta(seconds=latchkey().session_lifetime),
                ip_address=exchange.end_user.ip_address,
                user_agent=exchange.end_user.user_agent,
            )
            events.record(
                EventType.SIGNED_IN,
                subject=request.user.pk,
                actor=request.user.pk,
                client=request.client.client_id,
                caller=exchange.end_user,
            )
        return token

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """End the whole session of the token, for GraphQL and REST alike.

        Raises InvalidGrantError if the token is another client's (RFC 7009 §2.1): it would live on behind a success.
        """
        if issued_to(token) not in {None, request.client.client_id}:
            log.info("revocation refused: wrong client (client %s)", request.client.pk)
            raise InvalidGrantError(description="The token was issued to another client.")
        family = family_of(token)
        if family is not None:
            end_family(family, caller=exchange_of(request).end_user)
        else:
            # Access tokens without a session (client_credentials).
            super().revoke_token(token, token_type_hint, request, *args, **kwargs)

    def validate_code(self, client_id: str, code: str, client: Client, request: Any, *args: Any, **kwargs: Any) -> bool:
        """As DOT; refuses the code of a disabled account (S13).

        Simultaneous exchanges wait for the first, which deletes the code: DOT reads it again later, and would raise.
        """
        grants = get_grant_model().objects.filter(code=code, application=client)
        # The account before its codes and sessions, and before rows that refer to it: whatever ends them locks in this
        # order, and else they would wait for each other.
        holder = grants.values_list("user", flat=True).first()
        Account.objects.select_for_update(no_key=True).filter(pk=holder).values_list("pk").first()
        if grants.select_for_update().values_list("pk").first() is None:
            return False
        if not super().validate_code(client_id, code, client, request, *args, **kwargs):
            return False
        request.scopes = _still_allowed(request.scopes, request)
        return bool(request.user.is_active)


def _still_allowed(scopes: list[str], request: Any) -> list[str]:
    available = get_scopes_backend().get_available_scopes(request.client, request)
    return [scope for scope in scopes if scope in available]


def _seconds_left(pair: tuple[str, str | None]) -> int:
    """Seconds until a repeated access token expires. Raises `invalid_grant` if the pair is not the stored one.

    After a change of SECRET_KEY the derived pair differs from the stored one and would open nothing.
    """
    access, refresh = pair
    stored = RefreshToken.objects.filter(
        token_checksum=checksum(refresh or ""), revoked=None, access_token__token_checksum=checksum(access)
    ).values_list("access_token__expires", flat=True)
    expires: datetime | None = stored.first()
    if expires is None:
        raise InvalidGrantError
    return max(0, round((expires - timezone.now()).total_seconds()))


def basic_credentials(authorization: str | None) -> str | None:
    """The credentials of a Basic header (RFC 7617), still encoded; None if there are none that base64 can decode."""
    scheme, _space, credentials = (authorization or "").partition(" ")
    return credentials if scheme.lower() == "basic" and credentials.isascii() else None


def issued_to(token: str) -> str | None:
    """The `client_id` of an access or refresh token, also of a traded one; None for an unknown token."""
    digest = checksum(token)
    for model in (RefreshToken, AccessToken):
        clients = model.objects.filter(token_checksum=digest).values_list("application__client_id", flat=True)
        client_id: str | None = clients.first()
        if client_id is not None:
            return client_id
    return None


def live() -> Q:
    """The sessions that have neither expired nor been idle for too long."""
    settings, now = latchkey(), timezone.now()
    idle = timedelta(seconds=settings.access_token_lifetime + settings.refresh_token_idle_lifetime)
    return Q(expires_at__gt=now, last_used_at__gt=now - idle)


def client_of_live(refresh_token: str) -> int | None:
    """The key of the client whose live session the refresh token, traded or not, belongs to; None if there is none."""
    families = RefreshToken.objects.filter(token_checksum=checksum(refresh_token)).values("token_family")
    sessions = Session.objects.filter(live(), token_family__in=families, account__is_active=True)
    return sessions.values_list("client", flat=True).first()


def client_of_code(code: str) -> int | None:
    """The key of the client that the authorization code was issued to; None if it is unknown or expired."""
    codes = get_grant_model().objects.filter(code=code, expires__gt=timezone.now(), user__is_active=True)
    client: int | None = codes.values_list("application", flat=True).first()
    return client


def family_of(token: str) -> Any:
    """The family of an access or refresh token, also of a traded one; None if there is none."""
    digest = checksum(token)
    families = RefreshToken.objects.values_list("token_family", flat=True)
    return (
        families.filter(token_checksum=digest).first() or families.filter(access_token__token_checksum=digest).first()
    )


def families_of(token_id: int) -> QuerySet[Any]:
    """The family of the access token with this key; none if it has no refresh token."""
    families: QuerySet[Any] = RefreshToken.objects.filter(access_token=token_id).values("token_family")
    return families


@transaction.atomic
def end_family(family: Any, *, cause: str = "", caller: Caller | None = None) -> bool:
    """Delete the session and revoke its tokens, after waiting for a rotation under way. False if it had ended before.

    `cause` says why, in our own words, if nobody asked for it.
    """
    session = (
        Session.objects.select_for_update(of=("self",)).select_related("client").filter(token_family=family).first()
    )
    RefreshToken.revoke_family(family)
    if session is None:
        return False
    session.delete()
    events.record(
        EventType.SESSION_ENDED,
        subject=session.account_id,
        client=session.client.client_id,
        caller=caller,
        cause=cause,
    )
    return True


def make_room(account: uuid.UUID) -> None:
    """End the least recently used sessions, so that one more may begin. The account's row is locked."""
    kept = latchkey().sessions_per_account - 1
    sessions = Session.objects.filter(live(), account=account).order_by("-last_used_at", "-pk")
    for family in sessions.values_list("token_family", flat=True)[kept:]:
        end_family(family, cause=TOO_MANY)


class Core(OAuthLibCore):
    """Passes the known body parameters of a request to `/o/` on to oauthlib."""

    parameters = frozenset(
        {
            "grant_type",
            "client_id",
            "client_secret",
            "scope",
            "code",
            "code_verifier",
            "redirect_uri",
            "refresh_token",
            "token",
            "token_type_hint",
        }
    )
    """All others are ignored (RFC 6749 §3.2): oauthlib makes each an attribute of its request, such as `exchange`."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The known parameters."""
        body: list[tuple[str, str]] = super().extract_body(request)
        return [(name, value) for name, value in body if name in self.parameters]

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        # Without the query: no credentials belong there (RFC 6749 §2.3.1), and oauthlib raises on a malformed one.
        return request.path


class TokenServer(Server):
    """oauthlib's server with our lifetimes, one transaction per refresh, and only the offered grants (S27)."""

    def __init__(self, request_validator: Validator, **kwargs: Any) -> None:
        lifetime: Callable[[Request], int] = access_token_lifetime
        super().__init__(request_validator, **{**kwargs, "token_expires_in": lifetime})
        self.grant_types.clear()
        self.grant_types.update(
            {
                "refresh_token": RefreshGrant(self.refresh_grant),
                "authorization_code": AtomicGrant(self.auth_grant),
                "client_credentials": self.credentials_grant,
            }
        )


def server() -> TokenServer:
    """The server object that DOT's views use in this process."""
    instance: TokenServer = TokenView.get_oauthlib_core().server
    return instance


@dataclass(frozen=True, kw_only=True)
class Traded:
    """The next pair, as DOT describes it (RFC 6749 §5.1), and its session."""

    pair: dict[str, Any]
    session: Session


def begin(exchange: Exchange) -> dict[str, Any]:
    """Begin a session; returns its first pair, as DOT describes it (RFC 6749 §5.1)."""
    return _new_pair(oauthlib_request(exchange))


def trade(exchange: Exchange) -> Traded | OAuth2Error:
    """Trade a refresh token as `/o/token/` does; returns a refusal (RFC 6749 §5.2) instead of raising it."""
    request = oauthlib_request(exchange)
    refusal: OAuth2Error | None = None
    try:
        with transaction.atomic(using=router.db_for_write(RefreshToken)):
            try:
                server().refresh_grant.validate_token_request(request)
            except OAuth2Error as error:
                # Within the transaction, so that the end of a replayed session is committed.
                refusal = error
            else:
                pair = _new_pair(request)
    except OAuth2Error as error:
        refusal = error
    if refusal is not None:
        record_refusal(request, str(refusal.error))
        return refusal
    return Traded(pair=pair, session=cast("Session", exchange_of(request).session))


def _new_pair(request: Any) -> dict[str, Any]:
    handler = server().default_token_type
    pair: dict[str, Any] = handler.create_token(request, refresh_token=True)
    handler.request_validator.save_token(pair, request)
    return pair
