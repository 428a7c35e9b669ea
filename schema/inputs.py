"""What the API takes."""

import enum

import strawberry


@strawberry.enum(description="How the refresh token travels.")
class RefreshTokenTransport(enum.Enum):
    """See the description."""

    BODY = strawberry.enum_value(
        "BODY",
        description="In the answer, as `refreshToken`: for phones, servers and command lines, which have a safe place.",
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
    """Which OAuth client calls. Not a type of its own in the schema: the inputs below inherit its fields."""

    client_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The OAuth client; the first-party default when left out."
    )
    client_secret: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The secret of a confidential client. Never put one into a browser or an app.",
    )


@strawberry.input
class SignInInput(ClientInput):
    """Which client signs in, and for what."""

    scope: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Scopes to ask for, separated by spaces; the client's default when left out.",
    )
    refresh_token_transport: RefreshTokenTransport | None = strawberry.field(
        default=strawberry.UNSET,
        description="How the refresh token travels; the client's default when left out.",
    )


@strawberry.input(description="A new account.")
class RegisterInput(SignInInput):
    """See the description."""

    email: str = strawberry.field(description="E-mail address: used to sign in, unique in any case.")
    username: str = strawberry.field(
        description="Public name, unique in any case: letters, digits and `.` `+` `-` `_`, up to 150."
    )
    first_name: str = strawberry.field(description="Given name, up to 150 characters.")
    last_name: str = strawberry.field(default="", description="Family name, up to 150 characters.")
    password: str = strawberry.field(
        description="At least 12 characters unless the deployment says otherwise, no common one; any characters."
    )


@strawberry.input(description="E-mail and password.")
class TokenAuthInput(SignInInput):
    """See the description."""

    email: str = strawberry.field(description="The account's e-mail address, in any case.")
    password: str = strawberry.field(description="The password.")


@strawberry.input(description="A refresh token. Its new one travels as the old one did.")
class RefreshTokenInput(ClientInput):
    """See the description."""

    refresh_token: str | None = strawberry.field(
        default=strawberry.UNSET, description="The refresh token; left out, it is read from the cookie."
    )
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The OAuth client; for a public one the token itself tells it.",
    )
    scope: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Fewer scopes than before, separated by spaces; the same when left out.",
    )


@strawberry.input(one_of=True, description="Exactly one of these.")
class SocialCredentialInput:
    """See the description."""

    access_token: strawberry.Maybe[str] = strawberry.field(
        description="An OAuth access token that the provider issued to this application."
    )


@strawberry.input(description="A credential of a provider.")
class ConvertSocialTokenInput(SignInInput):
    """See the description."""

    provider: str = strawberry.field(description="The provider: `google-oauth2` (also `google`) or `facebook`.")
    credential: SocialCredentialInput = strawberry.field(description="What it issued.")


@strawberry.input(description="A token to end.")
class RevokeTokenInput(ClientInput):
    """See the description."""

    token: str | None = strawberry.field(
        default=strawberry.UNSET, description="An access or refresh token; left out, the current session's."
    )
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The OAuth client; for a public one the token itself tells it.",
    )
