"""Inputs about clients and tokens."""

import enum

import strawberry

from schema.language.described import described


@described
@strawberry.enum
class RefreshTokenTransport(enum.Enum):
    """How the refresh token travels."""

    BODY = strawberry.enum_value(
        "BODY",
        description="In the response, as `refreshToken`: for apps and servers, which can store it safely.",
    )
    COOKIE = strawberry.enum_value(
        "COOKIE",
        description=(
            "In a `__Host-` HttpOnly SameSite=Strict cookie: for browsers. Needs an allowed Origin and one of the"
            " headers `Apollo-Require-Preflight`, `X-Apollo-Operation-Name` or `X-Requested-With`."
        ),
    )


@strawberry.input
class ClientInput:
    """The calling OAuth client. Not a type of its own in the schema: the inputs below inherit its fields."""

    client_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The OAuth client; defaults to the first-party client."
    )
    client_secret: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The secret of a confidential client. Never put one into a browser or an app.",
    )


@strawberry.input
class SignInInput(ClientInput):
    """The client that signs in, its scopes and its transport."""

    scope: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The requested scopes, separated by spaces; defaults to the client's scopes.",
    )
    refresh_token_transport: RefreshTokenTransport | None = strawberry.field(
        default=strawberry.UNSET,
        description="How the refresh token travels; defaults to the client's setting.",
    )


@strawberry.input
class TokenClientInput(ClientInput):
    """The calling OAuth client, where a token names it. Not a type of its own in the schema."""

    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The OAuth client. Optional for public clients: derived from the token.",
    )


@described
@strawberry.input
class RefreshTokenInput(TokenClientInput):
    """The refresh token to exchange. The new one travels the same way as the old one."""

    refresh_token: str | None = strawberry.field(
        default=strawberry.UNSET, description="The refresh token; defaults to the one in the cookie."
    )
    scope: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A subset of the granted scopes, separated by spaces; defaults to all of them.",
    )


@described
@strawberry.input
class RevokeTokenInput(TokenClientInput):
    """The token to revoke."""

    token: str | None = strawberry.field(
        default=strawberry.UNSET, description="An access or refresh token; defaults to the current session's."
    )


@described
@strawberry.input
class RevokeSessionInput:
    """The session to end."""

    id: strawberry.ID = strawberry.field(description="The id of the Session.")
