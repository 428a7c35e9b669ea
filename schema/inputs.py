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


@strawberry.input(description="An authorization code and what belongs to it.")
class AuthorizationCodeInput:
    """See the description."""

    code: str = strawberry.field(description="The code.")
    state: str | None = strawberry.field(
        default=strawberry.UNSET, description="The `state` that came back with it; with `flow`."
    )
    flow: str | None = strawberry.field(
        default=strawberry.UNSET, description="The `flow` of `createSocialAuthUrl`, where that was used."
    )
    redirect_uri: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The redirect URI that was used, where `flow` was not: one of those registered for the client, or"
            " `postmessage` for Google's popup."
        ),
    )
    code_verifier: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The PKCE verifier (RFC 7636), where the app made it itself; needed with `redirectUri`.",
    )


@strawberry.input(one_of=True, description="Exactly one of these.")
class SocialCredentialInput:
    """See the description."""

    access_token: strawberry.Maybe[str] = strawberry.field(
        description="An OAuth access token that the provider issued to this application."
    )
    id_token: strawberry.Maybe[str] = strawberry.field(
        description="An OpenID Connect ID token that the provider issued for this application. Used once."
    )
    code: strawberry.Maybe[AuthorizationCodeInput] = strawberry.field(description="An authorization code.")


PROVIDER = "The provider, as in `SocialProvider.name`"
NONCE = "The nonce that was handed to the provider's SDK, unhashed; with ID tokens."


@strawberry.input(description="A credential of a provider.")
class ConvertSocialTokenInput(SignInInput):
    """See the description."""

    provider: str = strawberry.field(
        description=f"{PROVIDER}: `google-oauth2` (also `google`), `apple-id` (also `apple`), `facebook` …"
    )
    credential: SocialCredentialInput = strawberry.field(description="What it issued.")
    nonce: str | None = strawberry.field(default=strawberry.UNSET, description=NONCE)
    first_name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Given name, where only the device is told it (Sign in with Apple, first time). Used for a new account"
            " only."
        ),
    )
    last_name: str | None = strawberry.field(default=strawberry.UNSET, description="Family name, likewise.")


@strawberry.input(description="A provider and what it issued.")
class ProviderCredentialInput:
    """See the description."""

    provider: str = strawberry.field(description=f"{PROVIDER}.")
    credential: SocialCredentialInput = strawberry.field(description="What it issued.")
    nonce: str | None = strawberry.field(default=strawberry.UNSET, description=NONCE)


@strawberry.input(description="Where a redirect goes to and returns to.")
class CreateSocialAuthUrlInput:
    """See the description."""

    provider: str = strawberry.field(description=f"{PROVIDER}.")
    redirect_uri: str = strawberry.field(
        description="Where the provider shall return to: one of those registered for the client, letter for letter."
    )
    login_hint: str | None = strawberry.field(
        default=strawberry.UNSET, description="An e-mail address to suggest to the provider."
    )
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The OAuth client; the first-party default when left out."
    )


@strawberry.input(description="For which provider.")
class CreateSocialNonceInput:
    """See the description."""

    provider: str = strawberry.field(description=f"{PROVIDER}.")


@strawberry.input(description="What the provider left out.")
class AnswerProfileChallengeInput:
    """See the description."""

    challenge_token: str = strawberry.field(description="The token of the ProfileChallenge.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="E-mail address, if missing.")
    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="Username, if missing or to choose another one."
    )
    first_name: str | None = strawberry.field(default=strawberry.UNSET, description="Given name, if missing.")
    last_name: str | None = strawberry.field(default=strawberry.UNSET, description="Family name, if missing.")


@strawberry.input(one_of=True, description="Exactly one of these.")
class SocialLinkSourceInput:
    """See the description."""

    credential: strawberry.Maybe[ProviderCredentialInput] = strawberry.field(
        description="A fresh credential of a provider."
    )
    challenge_token: strawberry.Maybe[str] = strawberry.field(description="The token of a LinkChallenge.")


@strawberry.input(description="What to link.")
class LinkSocialAccountInput:
    """See the description."""

    source: SocialLinkSourceInput = strawberry.field(description="A fresh credential, or a LinkChallenge.")


@strawberry.input(description="Which one.")
class UnlinkSocialAccountInput:
    """See the description."""

    id: strawberry.ID = strawberry.field(description="The id of the SocialAccount.")


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
