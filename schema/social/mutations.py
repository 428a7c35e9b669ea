"""Sign in, and link accounts, through providers."""

import uuid
from typing import Annotated

import strawberry

from accounts.social import api as social
from accounts.social import linking as social_links
from accounts.social import sign_in as social_sign_in
from accounts.social.api import Profile
from schema.language.directives import Anonymous, Credential
from schema.language.nodes import type_and_key
from schema.language.payload import mutation
from schema.request.context import ApiInfo
from schema.social.inputs import (
    AnswerProfileChallengeInput,
    ConvertSocialTokenInput,
    CreateSocialAuthUrlInput,
    CreateSocialNonceInput,
    LinkSocialAccountInput,
    SocialCredentialInput,
    UnlinkSocialAccountInput,
)
from schema.social.payloads import (
    CreateSocialAuthUrlPayload,
    CreateSocialNoncePayload,
    LinkSocialAccountPayload,
    SocialAuthorization,
    SocialNonce,
    UnlinkSocialAccountPayload,
)
from schema.social.types import SocialAccount
from schema.tokens.delivery import Delivery, admit
from schema.tokens.payloads import AuthPayload


@strawberry.type
class SocialMutations:
    """The mutations of this room."""

    @mutation(AuthPayload, Anonymous(), Credential())
    def convert_social_token(
        self,
        info: ApiInfo,
        input: Annotated[ConvertSocialTokenInput, strawberry.argument(description="The provider and its credential.")],
    ) -> AuthPayload:
        """Sign in or sign up with a credential of Google, Facebook or another configured provider.

        Codes: REQUIRED, PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE,
        REDIRECT_URI_NOT_ALLOWED, ACCOUNT_DISABLED, PROFILE_REQUIRED, LINK_REQUIRED, EMAIL_VERIFICATION_REQUIRED,
        MFA_REQUIRED, MFA_ENROLLMENT_REQUIRED, REGISTRATION_CLOSED, INVALID_CLIENT, INVALID_SCOPE,
        TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        grant, delivery = admit(input, info)
        converted = social_sign_in.convert_social_token(
            provider=input.provider,
            credential=presented(input.credential, input.nonce),
            hints=Profile(first_name=input.first_name or "", last_name=input.last_name or ""),
            grant=grant,
            caller=info.context.caller,
        )
        return delivery.signed_in(converted.account, converted.tokens, is_new_account=converted.is_new_account)

    @mutation(CreateSocialAuthUrlPayload, Credential())
    def create_social_auth_url(
        self,
        info: ApiInfo,
        input: Annotated[
            CreateSocialAuthUrlInput, strawberry.argument(description="The provider and the redirect URI.")
        ],
    ) -> CreateSocialAuthUrlPayload:
        """Begin a redirect to a provider (authorization code with PKCE, state and nonce).

        A mutation, because each result works once and must not be cached.

        With a Bearer token, it prepares `linkSocialAccount` or `reauthenticate` for that account; without one,
        `convertSocialToken`.

        Codes: PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_UNAVAILABLE, REDIRECT_URI_NOT_ALLOWED,
        INVALID_CLIENT, RATE_LIMITED.
        """
        prepared = social_sign_in.create_social_auth_url(
            provider=input.provider,
            redirect_uri=input.redirect_uri,
            login_hint=input.login_hint or "",
            prompt=social.Prompt[input.prompt.name] if input.prompt else None,
            client_id=input.client_id or None,
            bearer=info.context.bearer,
            caller=info.context.caller,
        )
        return CreateSocialAuthUrlPayload(
            authorization=SocialAuthorization(url=prepared.url, flow=prepared.flow, expires_in=prepared.expires_in)
        )

    @mutation(CreateSocialNoncePayload, Anonymous())
    def create_social_nonce(
        self, input: Annotated[CreateSocialNonceInput, strawberry.argument(description="The provider.")]
    ) -> CreateSocialNoncePayload:
        """Create a nonce to pass to a provider's SDK before it issues an ID token. Works once.

        Codes: PROVIDER_UNKNOWN.
        """
        value, expires_in = social_sign_in.create_social_nonce(provider=input.provider)
        return CreateSocialNoncePayload(nonce=SocialNonce(value=value, expires_in=expires_in))

    @mutation(AuthPayload, Anonymous(), Credential())
    def answer_profile_challenge(
        self,
        info: ApiInfo,
        input: Annotated[
            AnswerProfileChallengeInput, strawberry.argument(description="The challenge and the missing data.")
        ],
    ) -> AuthPayload:
        """Supply what the provider did not return, and finish the sign-in.

        An e-mail address from this form counts as unverified. If e-mail verification is mandatory, it has to be
        confirmed first; the challenge can still be answered with another one.

        Codes: INVALID_CHALLENGE, REQUIRED, TOO_LONG, INVALID_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, ACCOUNT_DISABLED,
        LINK_REQUIRED, EMAIL_VERIFICATION_REQUIRED, MFA_REQUIRED, MFA_ENROLLMENT_REQUIRED, REGISTRATION_CLOSED,
        TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        challenge = social_sign_in.profile_challenge(input.challenge_token, caller=info.context.caller)
        delivery = Delivery.by(challenge.grant.transport, info)
        converted = social_sign_in.answer_profile_challenge(
            challenge,
            profile=Profile(
                email=input.email or "",
                username=input.username or "",
                first_name=input.first_name or "",
                last_name=input.last_name or "",
            ),
            caller=info.context.caller,
        )
        return delivery.signed_in(converted.account, converted.tokens, is_new_account=converted.is_new_account)

    @mutation(LinkSocialAccountPayload, Credential())
    def link_social_account(
        self,
        info: ApiInfo,
        input: Annotated[LinkSocialAccountInput, strawberry.argument(description="The social account and its proof.")],
    ) -> LinkSocialAccountPayload:
        """Link a social account to the signed-in account, by a new credential or by the token of a LinkChallenge.

        Needs a recent proof of who you are: a sign-in or `reauthenticate`. The credential to link is none.

        Codes: REQUIRED, PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE,
        REDIRECT_URI_NOT_ALLOWED, INVALID_CHALLENGE, ALREADY_LINKED, REAUTHENTICATION_REQUIRED, RATE_LIMITED.
        """
        bearer = info.context.signed_in()
        credential, challenge_token = input.source.credential, input.source.challenge_token
        if credential:
            linked = social_links.link_by_credential(
                bearer=bearer,
                provider=credential.value.provider,
                credential=presented(credential.value.credential, credential.value.nonce),
                caller=info.context.caller,
            )
        else:
            linked = social_links.link_by_challenge(
                bearer=bearer,
                challenge_token=challenge_token.value if challenge_token else "",
                caller=info.context.caller,
            )
        return LinkSocialAccountPayload(social_account=SocialAccount.of(linked), account=bearer.account)  # type: ignore[arg-type]

    @mutation(UnlinkSocialAccountPayload, Credential())
    def unlink_social_account(
        self,
        info: ApiInfo,
        input: Annotated[UnlinkSocialAccountInput, strawberry.argument(description="The social account.")],
    ) -> UnlinkSocialAccountPayload:
        """Unlink a social account. The last sign-in method is never removed.

        Needs a recent proof of who you are: a sign-in or `reauthenticate`. With `appleCode`, Apple is told first; if
        Apple does not confirm it, nothing is unlinked.

        Codes: NOT_FOUND, LAST_SIGN_IN_METHOD, REAUTHENTICATION_REQUIRED, PROVIDER_REJECTED (not a code of this
        identity), PROVIDER_UNAVAILABLE, RATE_LIMITED.
        """
        bearer = info.context.signed_in()
        social_links.unlink(
            bearer=bearer,
            identity=_identity(input.id),
            apple_code=input.apple_code or "",
            caller=info.context.caller,
        )
        return UnlinkSocialAccountPayload(deleted_social_account_id=input.id, account=bearer.account)  # type: ignore[arg-type]


def _identity(global_id: str) -> uuid.UUID | None:
    """The key in the global id of a SocialAccount; None for any other id."""
    name, key = type_and_key(global_id)
    return key if name == SocialAccount.__name__ else None


def presented(credential: SocialCredentialInput, nonce: str | None) -> social.Presented:
    """The domain's credential, of the one that is given."""
    if credential.access_token:
        return social.AccessToken(value=credential.access_token.value)
    if credential.id_token:
        return social.IdToken(value=credential.id_token.value, nonce=nonce or None)
    if not credential.code:
        raise TypeError("@oneOf has let none pass.")
    code = credential.code.value
    return social.PresentedCode(
        value=code.code,
        state=code.state or None,
        flow=code.flow or None,
        redirect_uri=code.redirect_uri or None,
        code_verifier=code.code_verifier or None,
    )
