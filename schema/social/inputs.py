"""Inputs for sign-in through providers."""

import enum

import strawberry

from schema.language.described import described
from schema.tokens.inputs import SignInInput


@described
@strawberry.enum
class SocialPrompt(enum.Enum):
    """What the provider asks the person (OpenID Connect Core §3.1.2.1)."""

    SELECT_ACCOUNT = strawberry.enum_value("SELECT_ACCOUNT", description="To choose an account.")
    LOGIN = strawberry.enum_value("LOGIN", description="To sign in again.")
    CONSENT = strawberry.enum_value("CONSENT", description="To consent again.")


@described
@strawberry.input
class AuthorizationCodeInput:
    """An authorization code and its parameters."""

    code: str = strawberry.field(description="The code.")
    state: str | None = strawberry.field(
        default=strawberry.UNSET, description="The `state` that came back with the code; required with `flow`."
    )
    flow: str | None = strawberry.field(
        default=strawberry.UNSET, description="The `flow` of `createSocialAuthUrl`, if you used it."
    )
    redirect_uri: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The redirect URI of the authorization request, if you did not use `flow`: one registered for the client,"
            " or `postmessage` for Google's popup."
        ),
    )
    code_verifier: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The PKCE verifier (RFC 7636) that the app generated; required with `redirectUri`.",
    )


@described
@strawberry.input(one_of=True)
class SocialCredentialInput:
    """A credential of a provider: exactly one of these."""

    access_token: strawberry.Maybe[str] = strawberry.field(
        description="An OAuth access token that the provider issued to this application."
    )
    id_token: strawberry.Maybe[str] = strawberry.field(
        description="An OpenID Connect ID token that the provider issued for this application. Works once."
    )
    code: strawberry.Maybe[AuthorizationCodeInput] = strawberry.field(description="An authorization code.")


PROVIDER = "The provider, as in `SocialProvider.name`"

NONCE = "The nonce that you passed to the provider's SDK, unhashed; for ID tokens."


@described
@strawberry.input
class ConvertSocialTokenInput(SignInInput):
    """A credential of a provider."""

    provider: str = strawberry.field(
        description=f"{PROVIDER}: `google-oauth2` (also `google`), `apple-id` (also `apple`), `facebook` …"
    )
    credential: SocialCredentialInput = strawberry.field(description="The credential that the provider issued.")
    nonce: str | None = strawberry.field(default=strawberry.UNSET, description=NONCE)
    first_name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Given name, if only the device received it (Sign in with Apple, first time). Used for new accounts only."
        ),
    )
    last_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="Family name, if only the device received it."
    )


@described
@strawberry.input
class ProviderCredentialInput:
    """A provider and a credential that it issued."""

    provider: str = strawberry.field(description=f"{PROVIDER}.")
    credential: SocialCredentialInput = strawberry.field(description="The credential that the provider issued.")
    nonce: str | None = strawberry.field(default=strawberry.UNSET, description=NONCE)


@described
@strawberry.input
class CreateSocialAuthUrlInput:
    """The provider to redirect to, and the URI to return to."""

    provider: str = strawberry.field(description=f"{PROVIDER}.")
    redirect_uri: str = strawberry.field(
        description="Where the provider redirects; must exactly match a URI registered for the client."
    )
    login_hint: str | None = strawberry.field(
        default=strawberry.UNSET, description="The person's e-mail address, for the provider to prefill."
    )
    prompt: SocialPrompt | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "What the provider asks the person even if it need not. Some providers do not support it: see"
            " `docs/social.md`."
        ),
    )
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The OAuth client; defaults to the first-party client."
    )


@described
@strawberry.input
class CreateSocialNonceInput:
    """The provider that the nonce is for."""

    provider: str = strawberry.field(description=f"{PROVIDER}.")


@described
@strawberry.input
class AnswerProfileChallengeInput:
    """The data that the provider left out."""

    challenge_token: str = strawberry.field(description="The token of the ProfileChallenge.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="E-mail address, if missing.")
    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="Username, if missing, or to replace the suggested one."
    )
    first_name: str | None = strawberry.field(default=strawberry.UNSET, description="Given name, if missing.")
    last_name: str | None = strawberry.field(default=strawberry.UNSET, description="Family name, if missing.")


@described
@strawberry.input(one_of=True)
class SocialLinkSourceInput:
    """The proof of the social account: exactly one of these."""

    credential: strawberry.Maybe[ProviderCredentialInput] = strawberry.field(
        description="A new credential of a provider."
    )
    challenge_token: strawberry.Maybe[str] = strawberry.field(description="The token of a LinkChallenge.")


@described
@strawberry.input
class LinkSocialAccountInput:
    """The social account to link."""

    source: SocialLinkSourceInput = strawberry.field(description="A new credential, or a LinkChallenge.")


@described
@strawberry.input
class UnlinkSocialAccountInput:
    """The social account to unlink."""

    id: strawberry.ID = strawberry.field(description="The id of the SocialAccount.")
    apple_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "A fresh authorization code that Sign in with Apple gave to an app, to unlink its account: it is exchanged"
            " and revoked at Apple. Nothing of it is kept."
        ),
    )
