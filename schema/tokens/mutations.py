"""Stay signed in, sign out."""

from typing import Annotated

import strawberry

from accounts.tokens import api as bearer_tokens
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import RefreshTokenTransport
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.request.context import ApiInfo
from schema.tokens.delivery import Delivery
from schema.tokens.inputs import RefreshTokenInput, RevokeTokenInput
from schema.tokens.payloads import AuthPayload, RevokeTokenPayload


@strawberry.type
class TokenMutations:
    """The mutations of this room."""

    @mutation(AuthPayload, Anonymous(), Credential())
    def refresh_token(
        self,
        info: ApiInfo,
        input: Annotated[
            RefreshTokenInput | None,
            strawberry.argument(description="The refresh token; omit it with the COOKIE transport."),
        ] = strawberry.UNSET,
    ) -> AuthPayload:
        """Exchange the refresh token for a new pair (RFC 6749 §6).

        The old refresh token then no longer works; repeating the same request within 10 seconds returns the same pair.

        Without `input`, the refresh token comes from the cookie (COOKIE transport), and the new one goes back there.

        Codes: INVALID_GRANT (expired, revoked, reused or unknown: sign in again), INVALID_CLIENT, INVALID_SCOPE,
        TRANSPORT_NOT_ALLOWED.
        """
        input = input or RefreshTokenInput()
        token = input.refresh_token or info.context.cookie.token
        if not token:
            raise InvalidGrant
        # The new refresh token travels as the old one did.
        transport = RefreshTokenTransport.BODY if input.refresh_token else RefreshTokenTransport.COOKIE
        delivery = Delivery.by(transport, info)
        refreshed = bearer_tokens.refresh(
            refresh_token=token,
            client_id=input.client_id or None,
            client_secret=input.client_secret or None,
            scope=input.scope or None,
            caller=info.context.caller,
        )
        return delivery.signed_in(refreshed.account, refreshed.tokens)

    @mutation(RevokeTokenPayload, Anonymous(), Credential())
    def revoke_token(
        self,
        info: ApiInfo,
        input: Annotated[
            RevokeTokenInput | None,
            strawberry.argument(description="The token; omit it to end the current session."),
        ] = strawberry.UNSET,
    ) -> RevokeTokenPayload:
        """Sign out: end the session of a token (RFC 7009). Succeeds for unknown and dead tokens too.

        Without `input`, ends the session of the cookie, or else of the Bearer token, and clears the cookie.

        Codes: INVALID_CLIENT.
        """
        input = input or RevokeTokenInput()
        # The cookie is ignored for pages that are not ours: they must not sign anybody out.
        cookie = info.context.cookie if not input.token and info.context.cookie.allowed else None
        token = input.token or (cookie and cookie.token) or info.context.presented_token
        if token:
            bearer_tokens.revoke(
                token=token, client_id=input.client_id or None, client_secret=input.client_secret or None
            )
        if cookie and cookie.token:
            cookie.clear()
        return RevokeTokenPayload()
