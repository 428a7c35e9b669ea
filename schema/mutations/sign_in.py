"""Register, sign in, stay signed in, sign out."""

from typing import Annotated

import strawberry

from accounts import authentication, bearer_tokens, registration
from accounts.exceptions import InvalidGrant, TransportNotAllowed
from schema.directives import Anonymous, Credential
from schema.errors import AuthPayload, ExpectedFailures, RevokeTokenPayload
from schema.inputs import RefreshTokenInput, RegisterInput, RevokeTokenInput, TokenAuthInput
from schema.mutations.admission import admit
from schema.types import ApiInfo, TokenSet

MARKS = (Anonymous(), Credential())


@strawberry.type
class SignInMutations:
    """The mutations of this module."""

    @strawberry.mutation(
        description=(
            "Create an account and sign it in at once. Returns every field error together.\n"
            "Codes: REQUIRED, TOO_LONG, INVALID_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, PASSWORD_TOO_SHORT,"
            " PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, INVALID_CLIENT, INVALID_SCOPE,"
            " TRANSPORT_NOT_ALLOWED."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures(AuthPayload)],
    )
    def register(
        self,
        info: ApiInfo,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> AuthPayload:
        """See the description."""
        grant, cookie = admit(input, info)
        account, tokens = registration.register(
            email=input.email,
            username=input.username,
            first_name=input.first_name,
            last_name=input.last_name,
            password=input.password,
            grant=grant,
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(account, TokenSet.of(tokens, cookie=cookie), is_new_account=True)

    @strawberry.mutation(
        description=(
            "Sign in with e-mail and password.\n"
            "Codes: INVALID_CREDENTIALS (the same answer for an unknown e-mail, a wrong password, a disabled or"
            " social-only account), INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures(AuthPayload)],
    )
    def token_auth(
        self,
        info: ApiInfo,
        input: Annotated[TokenAuthInput, strawberry.argument(description="The credentials.")],
    ) -> AuthPayload:
        """See the description."""
        grant, cookie = admit(input, info)
        account, tokens = authentication.token_auth(
            email=input.email, password=input.password, grant=grant, caller=info.context.caller
        )
        return AuthPayload.signed_in(account, TokenSet.of(tokens, cookie=cookie))

    @strawberry.mutation(
        description=(
            "Trade the refresh token for a new pair (RFC 6749 §6). The old refresh token is spent; repeating the same"
            " request within 10 seconds gives the same pair again.\n"
            "Without `input`, the refresh token is read from the cookie of the COOKIE transport, and the new one goes"
            " back the same way.\n"
            "Codes: INVALID_GRANT (expired, revoked, reused or unknown: sign in again), INVALID_CLIENT,"
            " INVALID_SCOPE, TRANSPORT_NOT_ALLOWED."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures(AuthPayload)],
    )
    def refresh_token(
        self,
        info: ApiInfo,
        input: Annotated[
            RefreshTokenInput | None,
            strawberry.argument(description="The refresh token; leave out with the COOKIE transport."),
        ] = strawberry.UNSET,
    ) -> AuthPayload:
        """See the description."""
        given = input or RefreshTokenInput()
        cookie = None if given.refresh_token else info.context.cookie
        token = given.refresh_token or info.context.cookie.token
        if not token:
            raise InvalidGrant
        if cookie and not cookie.allowed:
            raise TransportNotAllowed
        refreshed = bearer_tokens.refresh(
            refresh_token=token,
            client_id=given.client_id or None,
            client_secret=given.client_secret or None,
            scope=given.scope or None,
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(refreshed.account, TokenSet.of(refreshed.tokens, cookie=cookie))

    @strawberry.mutation(
        description=(
            "Sign out: end the session that a token belongs to (RFC 7009). Succeeds for unknown and dead tokens too.\n"
            "Without `input`, ends the session of the cookie, else that of the Bearer token, and clears the cookie.\n"
            "Codes: INVALID_CLIENT."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures(RevokeTokenPayload)],
    )
    def revoke_token(
        self,
        info: ApiInfo,
        input: Annotated[
            RevokeTokenInput | None,
            strawberry.argument(description="The token; leave out to end the current session."),
        ] = strawberry.UNSET,
    ) -> RevokeTokenPayload:
        """See the description."""
        given = input or RevokeTokenInput()
        # The cookie of a page that is not ours is not looked at: it must not sign anybody out.
        cookie = info.context.cookie if not given.token and info.context.cookie.allowed else None
        token = given.token or (cookie and cookie.token) or info.context.presented_token
        if token:
            bearer_tokens.revoke(
                token=token, client_id=given.client_id or None, client_secret=given.client_secret or None
            )
        if cookie and cookie.token:
            cookie.clear()
        return RevokeTokenPayload()
