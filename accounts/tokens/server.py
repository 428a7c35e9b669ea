"""DOT's OAuth server, with our rotation of refresh tokens, and only the offered grants."""

import logging
from typing import Any

from django.http import HttpRequest
from oauth2_provider.models import get_grant_model
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import SettingsScopes
from oauth2_provider.views import TokenView
from oauthlib.common import Request
from oauthlib.oauth2 import Server
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError

from accounts.people.models import Account
from accounts.tokens import rows
from accounts.tokens.exchange import exchange_of, remember
from accounts.tokens.families import client_of_code, end_family, family_of, issued_to
from accounts.tokens.grants import AtomicGrant, RefreshGrant
from accounts.tokens.models import Client
from accounts.tokens.rotation import (
    Refused,
    access_token_lifetime,
    begin_session,
    new_token,
    still_allowed,
    trade,
)

log = logging.getLogger(__name__)


def lifetime(_request: Request) -> int:
    """Seconds of an access token that DOT makes: for a code, or for a client without an end user."""
    return access_token_lifetime()


def token_generator(_request: Request) -> str:
    """A token that DOT stores."""
    return new_token()


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


class Validator(OAuth2Validator):
    """DOT's validator, under the lock of the session."""

    def _load_application(self, client_id: str | None, request: Any) -> Client | None:
        # No client id holds NUL, and PostgreSQL text cannot: the query would raise.
        if "\0" in (client_id or ""):
            return None
        if request.client is None and client_id:
            # Set before, it is not read by DOT, which compiles its statement each time.
            request.client = rows.find_client(client_id)
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
        """Trade the token, as GraphQL does; `RefreshGrant` gives the answer. Raises InvalidScopeError."""
        presented = rows.find(refresh_token)
        outcome = trade(presented, client=client, scope=request.scope or "", end_user=exchange_of(request).end_user)
        if isinstance(outcome, Refused):
            remember(request, holder=outcome.holder, cause=outcome.cause)
            if outcome.error == InvalidScopeError.error:
                raise InvalidScopeError(request=request)
            return False
        remember(request, pair=outcome.pair)
        return True

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Those of the next pair: the requested ones were compared with the original ones before."""
        pair = exchange_of(request).pair
        return pair.scope.split() if pair else []

    def is_within_original_scope(self, *args: Any, **kwargs: Any) -> bool:
        """Likewise."""
        return True

    def _create_refresh_token(
        self, request: Any, refresh_token_code: str, access_token: Any, previous_refresh_token: Any
    ) -> Any:
        """DOT has exchanged a code: begin the session."""
        token = super()._create_refresh_token(request, refresh_token_code, access_token, previous_refresh_token)
        begin_session(
            token.token_family,
            account=request.user,
            client=request.client,
            end_user=exchange_of(request).end_user,
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
        request.scopes = still_allowed(request.scopes, request.client)
        return bool(request.user.is_active)


def basic_credentials(authorization: str | None) -> str | None:
    """The credentials of a Basic header (RFC 7617), still encoded; None if there are none that base64 can decode."""
    scheme, _space, credentials = (authorization or "").partition(" ")
    return credentials if scheme.lower() == "basic" and credentials.isascii() else None


def client_of_live(refresh_token: str) -> int | None:
    """The key of the client whose live session the refresh token, traded or not, belongs to; None if there is none."""
    presented = rows.find(refresh_token)
    return presented.client.pk if presented and presented.live else None


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

    def authenticated_client(self, request: HttpRequest) -> Client | None:
        """The client that shows its secret in this request; None if none does."""
        asked: Any = Request(*self._extract_params(request))
        shown: bool = self.server.request_validator.authenticate_client(asked)
        return asked.client if shown else None

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The known parameters."""
        body: list[tuple[str, str]] = super().extract_body(request)
        return [(name, value) for name, value in body if name in self.parameters]

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        # Without the query: no credentials belong there (RFC 6749 §2.3.1), and oauthlib raises on a malformed one.
        return request.path


class TokenServer(Server):
    """oauthlib's server with our lifetimes and our rotation, and only the offered grants (S27)."""

    def __init__(self, request_validator: Validator, **kwargs: Any) -> None:
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
