"""Which OAuth client calls, and what it may ask for."""

import logging
from dataclasses import dataclass
from typing import Any

from oauth2_provider.oauth2_validators import GRANT_TYPE_MAPPING
from oauth2_provider.scopes import get_scopes_backend
from oauthlib.common import Request

from accounts.bearer_tokens.server import server
from accounts.conf import latchkey
from accounts.exceptions import InvalidClient, InvalidScope
from accounts.models import Client, RefreshTokenTransport

log = logging.getLogger(__name__)

INTERNAL_URI = "https://internal.invalid/graphql"
"""oauthlib wants a URI; nobody sees this one."""


@dataclass(frozen=True, kw_only=True)
class ClientGrant:
    """An authenticated client, the scopes that it shall be given, and how its refresh token shall travel."""

    client: Client
    scopes: tuple[str, ...]
    transport: RefreshTokenTransport


def authorize_client(
    *,
    client_id: str | None = None,
    client_secret: str | None = None,
    scope: str | None = None,
    transport: RefreshTokenTransport | None = None,
) -> ClientGrant:
    """The client that may sign people in, and what it asked for, or its defaults.

    Raises InvalidClient, InvalidScope.
    """
    client = authenticate_client(client_id=client_id, client_secret=client_secret)
    return _grant(client, scope or "", transport or RefreshTokenTransport(client.refresh_token_transport))


def renewed_grant(client: Client, *, scope: str, transport: str) -> ClientGrant:
    """What a client was granted some minutes ago, if it still may have it. Raises InvalidClient, InvalidScope."""
    _admit(client)
    return _grant(client, scope, RefreshTokenTransport(transport))


def known_client(client_id: str | None) -> Client:
    """A first-party client that names itself, to begin what only its front end can finish. Raises InvalidClient."""
    client = _find(client_id)
    _admit(client)
    return client


def _grant(client: Client, scope: str, transport: RefreshTokenTransport) -> ClientGrant:
    scopes = get_scopes_backend()
    asked = scope.split() or scopes.get_default_scopes(client)
    if not set(asked) <= set(scopes.get_available_scopes(client)):
        raise InvalidScope(field=("scope",))
    return ClientGrant(client=client, scopes=tuple(dict.fromkeys(asked)), transport=transport)


def authenticate_client(*, client_id: str | None, client_secret: str | None) -> Client:
    """A first-party client; a confidential one by its secret (S66). Raises InvalidClient."""
    client = _find(client_id)
    if client.client_type == Client.CLIENT_CONFIDENTIAL:
        request: Any = Request(INTERNAL_URI, "POST", {"client_id": client.client_id}, {})
        request.client, request.client_secret = client, client_secret or ""
        if not server().request_validator.authenticate_client(request):
            raise _refused("wrong or missing secret", "client_secret", client)
    elif client_secret:
        # Whoever sends one believes that it protects something.
        raise _refused("secret for a public client", "client_secret", client)
    _admit(client)
    return client


def _find(client_id: str | None) -> Client:
    request: Any = Request(INTERNAL_URI, "POST", {"client_id": client_id or latchkey().default_client_id}, {})
    if not server().request_validator.validate_client_id(request.client_id, request):
        raise _refused("unknown", "client_id")
    client: Client = request.client
    return client


def _admit(client: Client) -> None:
    if not client.first_party or not client.allows_grant_type(*GRANT_TYPE_MAPPING["refresh_token"]):
        raise _refused("not first party, or without refresh tokens", "client_id", client)


def _refused(cause: str, field: str, client: Client | None = None) -> InvalidClient:
    """To be raised; the cause is for operators (S74), and for developers a hint."""
    log.info("client refused: %s (client %s)", cause, client.pk if client else "unknown")
    return InvalidClient(field=(field,), hint=f"client: {cause}")
