"""Sign in, and link accounts, through providers."""

import contextlib
import uuid
from typing import Annotated

import strawberry
from strawberry import relay

from accounts import social, social_links, social_sign_in
from accounts.exceptions import NotFound
from accounts.social import Profile
from schema.directives import Anonymous, Credential
from schema.errors import (
    AuthPayload,
    CreateSocialAuthUrlPayload,
    CreateSocialNoncePayload,
    ExpectedFailures,
    LinkSocialAccountPayload,
    SocialAuthorization,
    SocialNonce,
    UnlinkSocialAccountPayload,
)
from schema.inputs import (
    AnswerProfileChallengeInput,
    ConvertSocialTokenInput,
    CreateSocialAuthUrlInput,
    CreateSocialNonceInput,
    LinkSocialAccountInput,
    SocialCredentialInput,
    UnlinkSocialAccountInput,
)
from schema.mutations.admission import admit, cookie_for
from schema.permissions import Unauthenticated
from schema.types import ApiInfo, SocialAccount, TokenSet


@strawberry.type
class SocialMutations:
    """The mutations of this module."""

    @strawberry.mutation(
        description=(
            "Sign in, or up, with a credential of Google, Facebook or another configured provider.\n"
            "Codes: REQUIRED, PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE,"
            " REDIRECT_URI_NOT_ALLOWED, ACCOUNT_DISABLED, PROFILE_REQUIRED, LINK_REQUIRED, INVALID_CLIENT,"
            " INVALID_SCOPE, TRANSPORT_NOT_ALLOWED."
        ),
        directives=[Anonymous(), Credential()],
        extensions=[ExpectedFailures(AuthPayload)],
    )
    def convert_social_token(
        self,
        info: ApiInfo,
        input: Annotated[ConvertSocialTokenInput, strawberry.argument(description="The provider and what it issued.")],
    ) -> AuthPayload:
        """See the description."""
        grant, cookie = admit(input, info)
        converted = social_sign_in.convert_social_token(
            provider=input.provider,
            credential=_presented(input.credential, input.nonce),
            hints=Profile(first_name=input.first_name or "", last_name=input.last_name or ""),
            grant=grant,
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(
            converted.account,
            TokenSet.of(converted.tokens, cookie=cookie),
            is_new_account=converted.is_new_account,
        )

    @strawberry.mutation(
        description=(
            "Begin a redirect to a provider (authorization code with PKCE, state and nonce). A mutation because each"
            " answer is used once and must not be cached.\n"
            "Sent with a Bearer token, it prepares `linkSocialAccount` for that account; without one,"
            " `convertSocialToken`.\n"
            "Codes: PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_UNAVAILABLE, REDIRECT_URI_NOT_ALLOWED,"
            " INVALID_CLIENT."
        ),
        directives=[Credential()],
        extensions=[ExpectedFailures(CreateSocialAuthUrlPayload)],
    )
    def create_social_auth_url(
        self,
        info: ApiInfo,
        input: Annotated[
            CreateSocialAuthUrlInput, strawberry.argument(description="The provider and where it shall return to.")
        ],
    ) -> CreateSocialAuthUrlPayload:
        """See the description."""
        prepared = social_sign_in.create_social_auth_url(
            provider=input.provider,
            redirect_uri=input.redirect_uri,
            login_hint=input.login_hint or "",
            client_id=input.client_id or None,
            bearer=info.context.bearer,
        )
        return CreateSocialAuthUrlPayload(
            authorization=SocialAuthorization(url=prepared.url, flow=prepared.flow, expires_in=prepared.expires_in)
        )

    @strawberry.mutation(
        description=(
            "Obtain a nonce to hand to a provider's SDK before it issues an ID token. Used once.\n"
            "Codes: PROVIDER_UNKNOWN."
        ),
        directives=[Anonymous()],
        extensions=[ExpectedFailures(CreateSocialNoncePayload)],
    )
    def create_social_nonce(
        self, input: Annotated[CreateSocialNonceInput, strawberry.argument(description="The provider.")]
    ) -> CreateSocialNoncePayload:
        """See the description."""
        value, expires_in = social_sign_in.create_social_nonce(provider=input.provider)
        return CreateSocialNoncePayload(nonce=SocialNonce(value=value, expires_in=expires_in))

    @strawberry.mutation(
        description=(
            "Supply what the provider did not tell, and finish the sign-in. An e-mail address given here is confirmed"
            " before it counts.\n"
            "Codes: INVALID_CHALLENGE, REQUIRED, TOO_LONG, INVALID_INPUT, EMAIL_TAKEN, USERNAME_TAKEN,"
            " ACCOUNT_DISABLED, LINK_REQUIRED, TRANSPORT_NOT_ALLOWED."
        ),
        directives=[Anonymous(), Credential()],
        extensions=[ExpectedFailures(AuthPayload)],
    )
    def answer_profile_challenge(
        self,
        info: ApiInfo,
        input: Annotated[AnswerProfileChallengeInput, strawberry.argument(description="The challenge and its answer.")],
    ) -> AuthPayload:
        """See the description."""
        converted = social_sign_in.answer_profile_challenge(
            challenge_token=input.challenge_token,
            profile=Profile(
                email=input.email or "",
                username=input.username or "",
                first_name=input.first_name or "",
                last_name=input.last_name or "",
            ),
            cookie_allowed=info.context.cookie.allowed,
            caller=info.context.caller,
        )
        return AuthPayload.signed_in(
            converted.account,
            TokenSet.of(converted.tokens, cookie=cookie_for(converted.transport, info)),
            is_new_account=converted.is_new_account,
        )

    @strawberry.mutation(
        description=(
            "Add a way to sign in to the signed-in account: a fresh credential of a provider, or the token of a"
            " LinkChallenge.\n"
            "Codes: REQUIRED, PROVIDER_UNKNOWN, CREDENTIAL_NOT_SUPPORTED, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE,"
            " REDIRECT_URI_NOT_ALLOWED, INVALID_CHALLENGE, ALREADY_LINKED."
        ),
        directives=[Credential()],
        extensions=[ExpectedFailures(LinkSocialAccountPayload)],
    )
    def link_social_account(
        self,
        info: ApiInfo,
        input: Annotated[LinkSocialAccountInput, strawberry.argument(description="What to link.")],
    ) -> LinkSocialAccountPayload:
        """See the description."""
        bearer = info.context.bearer
        if bearer is None:
            raise Unauthenticated
        fresh, ticket = input.source.credential, input.source.challenge_token
        if fresh:
            linked = social_links.link_by_credential(
                bearer=bearer,
                provider=fresh.value.provider,
                credential=_presented(fresh.value.credential, fresh.value.nonce),
            )
        else:
            linked = social_links.link_by_challenge(bearer=bearer, challenge_token=ticket.value if ticket else "")
        return LinkSocialAccountPayload(social_account=SocialAccount.of(linked), account=bearer.account)  # type: ignore[arg-type]

    @strawberry.mutation(
        description=(
            "Remove a linked social account. The last way to sign in is never removed.\n"
            "Codes: NOT_FOUND, LAST_SIGN_IN_METHOD."
        ),
        extensions=[ExpectedFailures(UnlinkSocialAccountPayload)],
    )
    def unlink_social_account(
        self,
        info: ApiInfo,
        input: Annotated[UnlinkSocialAccountInput, strawberry.argument(description="Which one.")],
    ) -> UnlinkSocialAccountPayload:
        """See the description."""
        bearer = info.context.bearer
        if bearer is None:
            raise Unauthenticated
        social_links.unlink(bearer=bearer, identity=_identity(input.id))
        return UnlinkSocialAccountPayload(deleted_social_account_id=input.id, account=bearer.account)  # type: ignore[arg-type]


def _identity(global_id: str) -> uuid.UUID:
    """Raises NotFound, also for what is no id of a SocialAccount."""
    with contextlib.suppress(ValueError):
        name, key = relay.from_base64(global_id)
        if name == SocialAccount.__name__:
            return uuid.UUID(key)
    raise NotFound(field=("id",))


def _presented(credential: SocialCredentialInput, nonce: str | None) -> social.Presented:
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
