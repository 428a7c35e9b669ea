"""The OAuth server that GraphQL and `/o/token/` share: DOT's, with a rotation that survives races and lost answers.

What goes wrong without it, measured on DOT 3.4.1 with hashed tokens: of 20 simultaneous refreshes of one token 19
end in a 500 or in blank tokens; a replay that races a refresh can bring a revoked family back to life; a phone
that was put away before the answer came is signed out. Hence:

- the lock is the family's Session row, taken before anything is validated, and validation and rotation are one
  transaction (RFC 9700 §4.14.2 asks for rotation, and is silent about races);
- the successors of a refresh token are an HMAC of it, so that a repeated request is answered with the same pair
  although only hashes are stored;
- as long as nothing of a successor pair has been used, its predecessor is answered again (S68).
"""

import base64
import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction
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
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from oauthlib.oauth2.rfc6749.utils import scope_to_list

from accounts.caller import Caller
from accounts.conf import latchkey
from accounts.models import Client, Session

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()
Grant = get_grant_model()

log = logging.getLogger(__name__)

USE_LEAVES_A_TRACE = timedelta(seconds=1)
"""A token's `updated` is at least this much after `created` once it was used, and less before."""


def checksum(token: str) -> str:
    """What DOT stores of a token, and finds it by."""
    return hashlib.sha256(token.encode()).hexdigest()


def access_token_lifetime(_request: Request | None = None) -> int:
    """Seconds; a little less than the maximum, at random, so that clients do not all refresh at once."""
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
    predecessor = getattr(request, "refresh_token_instance", None)
    if predecessor is None:
        return secrets.token_urlsafe(32)
    message = f"{kind}|{predecessor.token_family}|{predecessor.pk}|{request.refresh_token}"
    successor = salted_hmac("accounts.bearer_tokens.successor", message, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(successor).rstrip(b"=").decode()


class ScopesByClient(SettingsScopes):
    """Only our own clients may be given `account`, which opens the API (S60)."""

    def get_available_scopes(
        self, application: Client | None = None, request: Request | None = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """The scopes that a client may ask for."""
        scopes = super().get_available_scopes(application, request, *args, **kwargs)
        return [s for s in scopes if s != "account" or (application is not None and application.first_party)]

    def get_default_scopes(
        self, application: Client | None = None, request: Request | None = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """The scopes that a client is given when it asks for none."""
        available = self.get_available_scopes(application, request)
        return [s for s in super().get_default_scopes(application, request, *args, **kwargs) if s in available]


class Validator(OAuth2Validator):
    """DOT's validator, under the lock of the session."""

    def _load_application(self, client_id: str | None, request: Any) -> Client | None:
        # PostgreSQL has no NUL in text and would answer with an exception; no client has one in its id.
        if "\0" in (client_id or ""):
            return None
        client: Client | None = super()._load_application(client_id, request)
        return client

    def _extract_basic_auth(self, request: Any) -> str | None:
        credentials: str | None = super()._extract_basic_auth(request)
        # base64 raises on anything else.
        return credentials if credentials is None or credentials.isascii() else None

    def validate_refresh_token(
        self, refresh_token: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Whether the token may be traded. A replay ends the session (S17); each cause has its log line (S74)."""
        cause = self._refusal(refresh_token, client, request, *args, **kwargs)
        if cause is not None:
            log.info("refresh refused: %s (client %s)", cause, client.pk)
        return cause is None

    def _refusal(self, refresh_token: str, client: Client, request: Any, *args: Any, **kwargs: Any) -> str | None:
        tokens = RefreshToken.objects.filter(token_checksum=checksum(refresh_token))
        # The family of a token never changes, so it may be read before the lock; all else is read under it.
        family = tokens.values_list("token_family", flat=True).first()
        if family is None:
            return "unknown"
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
            replay = self._replay(token)
        if not super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            if replay is None:
                return "expired"
            session.delete()
            return replay
        request.session = session
        return None

    def _replay(self, token: Any) -> str:
        """What presenting a spent token means. If its answer was lost, open DOT's grace window again (S68)."""
        now = timezone.now()
        successor = AccessToken.objects.filter(source_refresh_token=token).select_related("refresh_token").first()
        if successor is None:
            return "replayed, grandparent"
        follower = getattr(successor, "refresh_token", None)
        unused = follower is not None and successor.updated - successor.created < USE_LEAVES_A_TRACE
        idle_until = successor.expires + timedelta(seconds=latchkey().refresh_token_idle_lifetime)
        if unused and idle_until > now:
            RefreshToken.objects.filter(pk=token.pk).update(revoked=now)
            if successor.expires <= now:
                AccessToken.objects.filter(pk=successor.pk).update(
                    expires=now + timedelta(seconds=access_token_lifetime())
                )
        return "replayed after use"

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """As DOT, less what the client may not have any more (S60)."""
        original = scope_to_list(super().get_original_scopes(refresh_token, request, *args, **kwargs)) or []
        return _still_allowed(original, request)

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        derived = token["access_token"], token.get("refresh_token")
        super()._save_bearer_token(token, request, *args, **kwargs)
        if not token["access_token"]:
            # A repeated request: DOT found the pair that the first one made, and cannot read it back.
            token["access_token"], token["refresh_token"] = derived
            token["expires_in"] = _seconds_left(derived)
        session = getattr(request, "session", None)
        if session is not None:
            caller = _caller(request)
            Session.objects.filter(pk=session.pk).update(
                last_used_at=timezone.now(), ip_address=caller.ip_address, user_agent=caller.user_agent
            )

    def _create_refresh_token(
        self, request: Any, refresh_token_code: str, access_token: Any, previous_refresh_token: Any
    ) -> Any:
        token = super()._create_refresh_token(request, refresh_token_code, access_token, previous_refresh_token)
        if previous_refresh_token is None:
            caller = _caller(request)
            Session.objects.create(
                token_family=token.token_family,
                account=request.user,
                client=request.client,
                expires_at=timezone.now() + timedelta(seconds=latchkey().session_lifetime),
                ip_address=caller.ip_address,
                user_agent=caller.user_agent,
            )
        return token

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """End the whole session that the token belongs to (RFC 7009 §2.1), by whatever endpoint it is asked."""
        family = family_of(token, client=request.client)
        if family is not None:
            end_family(family)
        else:
            # Access tokens without a session (client_credentials).
            super().revoke_token(token, token_type_hint, request, *args, **kwargs)

    def validate_code(self, client_id: str, code: str, client: Client, request: Any, *args: Any, **kwargs: Any) -> bool:
        """As DOT; a disabled account's code is worth nothing (S13)."""
        # The lock makes the second of two simultaneous exchanges find the code spent.
        if Grant.objects.select_for_update().filter(code=code, application=client).first() is None:
            return False
        if not super().validate_code(client_id, code, client, request, *args, **kwargs):
            return False
        request.scopes = _still_allowed(request.scopes, request)
        return bool(request.user.is_active)


def _still_allowed(scopes: list[str], request: Any) -> list[str]:
    available = get_scopes_backend().get_available_scopes(request.client, request)
    return [scope for scope in scopes if scope in available]


def _seconds_left(pair: tuple[str, str | None]) -> int:
    """Until the access token of a repeated answer expires. Raises `invalid_grant` if the pair is not the stored one.

    It is not when SECRET_KEY was changed in between: better no answer than tokens that open nothing.
    """
    access, refresh = pair
    stored = RefreshToken.objects.filter(
        token_checksum=checksum(refresh or ""), revoked=None, access_token__token_checksum=checksum(access)
    ).values_list("access_token__expires", flat=True)
    expires: datetime | None = stored.first()
    if expires is None:
        raise InvalidGrantError
    return max(0, round((expires - timezone.now()).total_seconds()))


def _caller(request: Request) -> Caller:
    """As the GraphQL view told it, else as DOT's REST views pass it: META among the headers."""
    given = getattr(request, "caller", None) or Caller.of(request.headers)
    client: Any = request.client
    # Only a secret shows that it is this client and not somebody who states its id (S64).
    trusted = client.states_end_user and client.client_type == Client.CLIENT_CONFIDENTIAL
    return given.end_user if trusted and given.end_user else given


def family_of(token: str, *, client: Client) -> Any:
    """The family of an access or refresh token of that client, spent ones too; None if there is none."""
    digest = checksum(token)
    of_client = RefreshToken.objects.filter(application=client).values_list("token_family", flat=True)
    return (
        of_client.filter(token_checksum=digest).first() or of_client.filter(access_token__token_checksum=digest).first()
    )


@transaction.atomic
def end_family(family: Any) -> None:
    """Delete the session and everything that could continue it, after any rotation that is under way."""
    session = Session.objects.select_for_update().filter(token_family=family).first()
    RefreshToken.revoke_family(family)
    if session is not None:
        session.delete()


class Core(OAuthLibCore):
    """What of a request to `/o/` reaches oauthlib: the parameters that it knows, from the body."""

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
    """All others are ignored (RFC 6749 §3.2): oauthlib would make each an attribute of its request, ours too."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Known parameters without NUL, which PostgreSQL has not in text."""
        body: list[tuple[str, str]] = super().extract_body(request)
        return [(name, value) for name, value in body if name in self.parameters and "\0" not in value]

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        # Without the query: credentials do not belong there (RFC 6749 §2.3.1), and oauthlib raises on a malformed one.
        return request.path


class AtomicGrant:
    """A grant whose validation and whose writing of tokens are one transaction.

    Refusals are returned, not raised, so that the revocation of a replayed family is committed.
    """

    def __init__(self, grant: Any) -> None:
        self.grant = grant

    def __getattr__(self, name: str) -> Any:
        return getattr(self.grant, name)

    def create_token_response(self, request: Request, token_handler: Any) -> tuple[dict[str, str], str, int]:
        """As the grant, in one transaction."""
        with transaction.atomic(using=router.db_for_write(RefreshToken)):
            response: tuple[dict[str, str], str, int] = self.grant.create_token_response(request, token_handler)
            return response


class TokenServer(Server):
    """oauthlib's server with our lifetimes and one transaction a refresh."""

    def __init__(self, request_validator: Validator, **kwargs: Any) -> None:
        lifetime: Callable[[Request], int] = access_token_lifetime
        super().__init__(request_validator, **{**kwargs, "token_expires_in": lifetime})
        self.grant_types["refresh_token"] = AtomicGrant(self.refresh_grant)
        self.grant_types["authorization_code"] = AtomicGrant(self.auth_grant)


def server() -> TokenServer:
    """The one server object of this process, DOT's own."""
    instance: TokenServer = TokenView.get_oauthlib_core().server
    return instance
