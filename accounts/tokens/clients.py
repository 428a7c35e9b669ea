"""Authenticates OAuth clients and checks the scopes that they request."""

import logging
from dataclasses import dataclass, replace

from oauth2_provider.oauth2_validators import GRANT_TYPE_MAPPING
from oauth2_provider.scopes import get_scopes_backend

from accounts.conf import latchkey
from accounts.shared.caller import Caller
from accounts.tokens.errors import InvalidClient, InvalidScope
from accounts.tokens.exchange import Exchange, exchange_of, oauthlib_request
from accounts.tokens.models import Client, RefreshTokenTransport
from accounts.tokens.server import server

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ClientGrant:
    """An authenticated client, the scopes granted to it, and the transport of its refresh token."""

    client: Client
    scopes: tuple[str, ...]
    transport: RefreshTokenTransport
    authenticated: bool = False
    """Whether the client has shown in this call who it is."""

    def end_user(self, caller: Caller) -> Caller:
        """The person for whom the client asks: the one that a trusted client states, otherwise the caller (S64)."""
        return self.exchange(caller).end_user

    def exchange(self, caller: Caller) -> Exchange:
        """An exchange of this client."""
        return Exchange(client=self.client, authenticated=self.client if self.authenticated else None, caller=caller)


def authorize_client(
    *,
    client_id: str | None = None,
    client_secret: str | None = None,
    scope: str | None = None,
    transport: RefreshTokenTransport | None = None,
) -> ClientGrant:
    """Authenticate a client that signs people in, and check its request; defaults fill the gaps.

    Raises InvalidClient, InvalidScope.
    """
    client = authenticate_client(client_id=client_id, client_secret=client_secret)
    transport = transport or RefreshTokenTransport(client.refresh_token_transport)
    return replace(_grant(client, scope or "", transport), authenticated=True)


def renewed_grant(client: Client, *, scope: str, transport: str) -> ClientGrant:
    """Repeat an earlier grant, if the client may still have it. It is not authenticated now.

    Raises InvalidClient, InvalidScope.
    """
    _admit(client)
    return _grant(client, scope, RefreshTokenTransport(transport))


def known_client(client_id: str | None) -> Client:
    """Find a first-party client, not authenticated: only its front end can finish a flow. Raises InvalidClient."""
    client = _find(client_id)
    _admit(client)
    return client


def _grant(client: Client, scope: str, transport: RefreshTokenTransport) -> ClientGrant:
    scopes = get_scopes_backend()
    requested = scope.split() or scopes.get_default_scopes(client)
    if not set(requested) <= set(scopes.get_available_scopes(client)):
        raise InvalidScope(field=("scope",))
    return ClientGrant(client=client, scopes=tuple(dict.fromkeys(requested)), transport=transport)


def authenticate_client(*, client_id: str | None, client_secret: str | None, known: Client | None = None) -> Client:
    """Find a first-party client and check a confidential one's secret (S66). Raises InvalidClient.

    `known` was just read, and is the one to find if the names are equal.
    """
    client = _find(client_id, known)
    if client.client_type == Client.CLIENT_CONFIDENTIAL:
        request = oauthlib_request(Exchange(client=client, client_secret=client_secret or ""))
        if not server().request_validator.authenticate_client(request):
            raise _refused("wrong or missing secret", "client_secret", client)
    elif client_secret:
        # A public client has no secret: sending one is a configuration error.
        raise _refused("secret for a public client", "client_secret", client)
    _admit(client)
    return client


def _find(client_id: str | None, known: Client | None = None) -> Client:
    if known is not None and known.client_id == client_id:
        return known
    request = oauthlib_request(Exchange())
    server().request_validator.validate_client_id(client_id or latchkey().default_client_id, request)
    client = exchange_of(request).client
    if client is None:
        raise _refused("unknown", "client_id")
    return client


def _admit(client: Client) -> None:
    if not client.first_party or not client.allows_grant_type(*GRANT_TYPE_MAPPING["refresh_token"]):
        raise _refused("not first party, or without refresh tokens", "client_id", client)


def _refused(cause: str, field: str, client: Client | None = None) -> InvalidClient:
    """Build the exception; the cause is logged for operators (S74) and is a hint for developers."""
    log.info("client refused: %s (client %s)", cause, client.pk if client else "unknown")
    return InvalidClient(field=(field,), hint=f"client: {cause}")
