"""Stay signed in, sign out, here and elsewhere."""

import uuid
from typing import Annotated

import strawberry

from accounts.errors import NotFound
from accounts.tokens import api as bearer_tokens
from accounts.tokens import sessions
from accounts.tokens.api import Bearer
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import RefreshTokenTransport
from schema.language.directives import Anonymous, Credential
from schema.language.nodes import type_and_key
from schema.language.payload import mutation
from schema.request.context import ApiInfo
from schema.tokens.delivery import Delivery
from schema.tokens.inputs import RefreshTokenInput, RevokeSessionInput, RevokeTokenInput
from schema.tokens.payloads import (
    AuthPayload,
    RevokeAllSessionsPayload,
    RevokeOtherSessionsPayload,
    RevokeSessionPayload,
    RevokeTokenPayload,
)
from schema.tokens.sessions import Session


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
        TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
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
                token=token,
                client_id=input.client_id or None,
                client_secret=input.client_secret or None,
                caller=info.context.caller,
            )
        if cookie and cookie.token:
            cookie.clear()
        return RevokeTokenPayload()

    @mutation(RevokeSessionPayload)
    def revoke_session(
        self,
        info: ApiInfo,
        input: Annotated[RevokeSessionInput, strawberry.argument(description="The session.")],
    ) -> RevokeSessionPayload:
        """End a session of the signed-in account: its tokens stop working at once. It may be the current one.

        Codes: NOT_FOUND.
        """
        bearer = info.context.signed_in()
        if sessions.end_one(_session(input.id), bearer=bearer):
            _sign_out_browser(info, bearer)
        return RevokeSessionPayload(deleted_session_id=input.id)

    @mutation(RevokeOtherSessionsPayload)
    def revoke_other_sessions(self, info: ApiInfo) -> RevokeOtherSessionsPayload:
        """End every session of the signed-in account except the current one.

        Codes: none.
        """
        return RevokeOtherSessionsPayload(revoked_count=sessions.end_others(bearer=info.context.signed_in()))

    @mutation(RevokeAllSessionsPayload)
    def revoke_all_sessions(self, info: ApiInfo) -> RevokeAllSessionsPayload:
        """Sign out everywhere: end every session of the signed-in account, the current one too.

        Clears the cookie of the COOKIE transport.

        Codes: none.
        """
        bearer = info.context.signed_in()
        number = sessions.end_all(bearer=bearer)
        _sign_out_browser(info, bearer)
        return RevokeAllSessionsPayload(revoked_count=number)


def _session(global_id: str) -> uuid.UUID:
    """The key in the global id of a Session. Raises NotFound for any other id."""
    name, key = type_and_key(global_id)
    if key is None or name != Session.__name__:
        raise NotFound(field=("id",))
    return key


def _sign_out_browser(info: ApiInfo, bearer: Bearer) -> None:
    """Clear the cookie of one of our pages, unless somebody else has signed in with it meanwhile."""
    cookie = info.context.cookie
    if cookie.allowed and cookie.token and sessions.belongs_to(cookie.token, bearer.account):
        cookie.clear()
