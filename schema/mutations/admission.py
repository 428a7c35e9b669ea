"""Which client signs in, and how its refresh token travels: what every mutation that signs in begins with."""

from accounts import bearer_tokens
from accounts.exceptions import TransportNotAllowed
from accounts.models import RefreshTokenTransport
from schema.cookies import RefreshCookie
from schema.inputs import SignInInput
from schema.types import ApiInfo


def admit(asked: SignInInput, info: ApiInfo) -> tuple[bearer_tokens.ClientGrant, RefreshCookie | None]:
    """The client with its scopes, and the cookie if that shall carry the refresh token.

    Raises InvalidClient, InvalidScope, and TransportNotAllowed before anything else is done: never a silent fallback.
    """
    transport = asked.refresh_token_transport
    grant = bearer_tokens.authorize_client(
        client_id=asked.client_id or None,
        client_secret=asked.client_secret or None,
        scope=asked.scope or None,
        transport=RefreshTokenTransport[transport.name] if transport else None,
    )
    cookie = cookie_for(grant.transport, info)
    if cookie and not cookie.allowed:
        raise TransportNotAllowed(field=("refresh_token_transport",))
    return grant, cookie


def cookie_for(transport: RefreshTokenTransport, info: ApiInfo) -> RefreshCookie | None:
    """The cookie, where the refresh token travels in it."""
    return info.context.cookie if transport == RefreshTokenTransport.COOKIE else None
