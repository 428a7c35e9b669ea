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
from accounts.models import Client

log = logging.getLogger(__name__)

INTERNAL_URI = "https://internal.invalid/graphql"
"""oauthlib wants a URI; nobody sees this one."""


@dataclass(frozen=True, kw_only=True)
class ClientGrant:
    """An authenticated client and the scopes that it shall be given."""

    client: Client
    scopes: tuple[str, ...]


def authorize_client(
    *, client_id: str | None = None, client_secret: str | None = None, scope: str | None = None
) -> ClientGrant:
    """The client that may sign people in, and the scopes it asked for (its default without `scope`).

    Raises InvalidClient, InvalidScope.
    """
    client = authenticate_client(client_id=client_id, client_secret=client_secret)
    scopes = get_scopes_backend()
    asked = (scope or "").split() or scopes.get_default_scopes(client)
    if not set(asked) <= set(scopes.get_available_scopes(client)):
        raise InvalidScope(field=("scope",))
    return ClientGrant(client=client, scopes=tuple(dict.fromkeys(asked)))


def authenticate_client(*, client_id: str | None, client_secret: str | None) -> Client:
    """A first-party client; a confidential one by its secret (S66). Raises InvalidClient."""
    request: Any = Request(INTERNAL_URI, "POST", {"client_id": client_id or latchkey().default_client_id}, {})
    validator = server().request_validator
    if not validator.validate_client_id(request.client_id, request):
        raise _refused("unknown", "client_id")
    client: Client = request.client
    if client.client_type == Client.CLIENT_CONFIDENTIAL:
        request.client_secret = client_secret or ""
        if not validator.authenticate_client(request):
            raise _refused("wrong or missing secret", "client_secret", client)
    elif client_secret:
        # Whoever sends one believes that it protects something.
        raise _refused("secret for a public client", "client_secret", client)
    if not client.first_party or not client.allows_grant_type(*GRANT_TYPE_MAPPING["refresh_token"]):
        raise _refused("not first party, or without refresh tokens", "client_id", client)
    return client


def _refused(cause: str, field: str, client: Client | None = None) -> InvalidClient:
    """To be raised; the cause is for operators only (S74)."""
    log.info("client refused: %s (client %s)", cause, client.pk if client else "unknown")
    return InvalidClient(field=(field,))
