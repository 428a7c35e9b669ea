"""Register, sign in, stay signed in, sign out."""

from typing import Annotated

import strawberry

from accounts import authentication, bearer_tokens, registration, social_sign_in
from accounts.exceptions import InvalidGrant
from schema.directives import Anonymous, Credential
from schema.errors import AuthPayload, ExpectedFailures, RevokeTokenPayload
from schema.inputs import (
    ConvertSocialTokenInput,
    RefreshTokenInput,
    RegisterInput,
    RevokeTokenInput,
    SignInInput,
    TokenAuthInput,
)
from schema.types import ApiInfo

MARKS = (Anonymous(), Credential())


def _grant(of: SignInInput) -> bearer_tokens.ClientGrant:
    return bearer_tokens.authorize_client(
        client_id=of.client_id or None, client_secret=of.client_secret or None, scope=of.scope or None
    )


@strawberry.type
class SignInMutations:
    """The mutations of this module."""

    @strawberry.mutation(
        description=(
            "Create an account and sign it in at once. Returns every field error together.\n"
            "Codes: REQUIRED, TOO_LONG, INVALID_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, PASSWORD_TOO_SHORT,"
            " PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, INVALID_CLIENT, INVALID_SCOPE."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures()],
    )
    def register(
        self,
        info: ApiInfo,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> AuthPayload:
        """See the description."""
        account, tokens = registration.register(
            email=input.email,
            username=input.username,
            first_name=input.first_name,
            last_name=input.last_name,
            password=input.password,
            grant=_grant(input),
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(account, tokens, is_new_account=True)

    @strawberry.mutation(
        description=(
            "Sign in with e-mail and password.\n"
            "Codes: INVALID_CREDENTIALS (the same answer for an unknown e-mail, a wrong password, a disabled or"
            " social-only account), INVALID_CLIENT, INVALID_SCOPE."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures()],
    )
    def token_auth(
        self,
        info: ApiInfo,
        input: Annotated[TokenAuthInput, strawberry.argument(description="The credentials.")],
    ) -> AuthPayload:
        """See the description."""
        account, tokens = authentication.token_auth(
            email=input.email, password=input.password, grant=_grant(input), caller=info.context.caller
        )
        return AuthPayload.signed_in(account, tokens)

    @strawberry.mutation(
        description=(
            "Trade the refresh token for a new pair (RFC 6749 §6). The old refresh token is spent; repeating the same"
            " request within 10 seconds gives the same pair again.\n"
            "Codes: INVALID_GRANT (expired, revoked, reused or unknown: sign in again), INVALID_CLIENT,"
            " INVALID_SCOPE."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures()],
    )
    def refresh_token(
        self,
        info: ApiInfo,
        input: Annotated[
            RefreshTokenInput | None, strawberry.argument(description="The refresh token.")
        ] = strawberry.UNSET,
    ) -> AuthPayload:
        """See the description."""
        if not input or not input.refresh_token:
            raise InvalidGrant
        refreshed = bearer_tokens.refresh(
            refresh_token=input.refresh_token,
            client_id=input.client_id or None,
            client_secret=input.client_secret or None,
            scope=input.scope or None,
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(refreshed.account, refreshed.tokens)

    @strawberry.mutation(
        description=(
            "Sign in, or up, with a credential of Google, Facebook or another configured provider.\n"
            "Codes: REQUIRED, PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE,"
            " ACCOUNT_DISABLED, LINK_REQUIRED, INVALID_CLIENT, INVALID_SCOPE."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures()],
    )
    def convert_social_token(
        self,
        info: ApiInfo,
        input: Annotated[
            ConvertSocialTokenInput, strawberry.argument(description="The provider and what it issued.")
        ],
    ) -> AuthPayload:
        """See the description."""
        access_token = input.credential.access_token
        converted = social_sign_in.convert_social_token(
            provider=input.provider,
            access_token=access_token.value if access_token else "",
            grant=_grant(input),
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(
            converted.account, converted.tokens, is_new_account=converted.is_new_account
        )

    @strawberry.mutation(
        description=(
            "Sign out: end the session that a token belongs to (RFC 7009). Succeeds for unknown and dead tokens too.\n"
            "Without `input`, ends the session of the Bearer token.\n"
            "Codes: INVALID_CLIENT."
        ),
        directives=MARKS,
        extensions=[ExpectedFailures()],
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
        token = given.token or info.context.presented_token
        if token:
            bearer_tokens.revoke(
                token=token, client_id=given.client_id or None, client_secret=given.client_secret or None
            )
        return RevokeTokenPayload()
