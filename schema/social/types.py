"""Types about providers and linked accounts."""

import enum
import uuid
from datetime import datetime
from typing import Self

import strawberry
import strawberry_django
from strawberry import relay

from accounts.people import models
from accounts.social import api as social
from schema.language.described import described
from schema.request.context import ApiInfo


@described
@strawberry.enum
class SignInMethod(enum.Enum):
    """A first factor."""

    PASSWORD = strawberry.enum_value("PASSWORD", description="E-mail and password.")
    SOCIAL = strawberry.enum_value("SOCIAL", description="A linked account at a provider.")
    EMAIL_CODE = strawberry.enum_value("EMAIL_CODE", description="A mailed code or link.")
    PASSKEY = strawberry.enum_value("PASSKEY", description="A passkey.")


@described
@strawberry.type
class SocialAccount(relay.Node):
    """A linked account at a provider."""

    pk: relay.NodeID[uuid.UUID]
    provider: str = strawberry.field(description="The provider's name, as in `SocialProvider.name`.")
    label: str = strawberry.field(description="The display name, such as `Google`.")
    email: str | None = strawberry.field(description="The e-mail address the provider returned at the last sign-in.")
    created_at: datetime = strawberry.field(description="When it was linked.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used to sign in.")

    @classmethod
    def of(cls, linked: social.LinkedIdentity) -> Self:
        """Map the domain's identity."""
        return cls(
            pk=linked.id,
            provider=linked.provider,
            label=linked.label,
            email=linked.email or None,
            created_at=linked.created_at,
            last_used_at=linked.last_used_at,
        )

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, Self]:
        """The viewer's own, of these keys."""
        viewer = info.context.viewer
        linked = social.linked_identities(viewer) if viewer else []
        return {identity.id: cls.of(identity) for identity in linked if identity.id in keys}


@strawberry.type
class SocialAccountFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def social_accounts(root: models.Account) -> list[SocialAccount]:  # noqa: N805 - the source is a row
        """Linked accounts at providers."""
        return [SocialAccount.of(identity) for identity in social.linked_identities(root)]


@described
@strawberry.enum
class SocialCredentialKind(enum.Enum):
    """A kind of credential that a provider issues."""

    ACCESS_TOKEN = strawberry.enum_value("ACCESS_TOKEN", description="An OAuth access token of the provider.")
    ID_TOKEN = strawberry.enum_value("ID_TOKEN", description="An OpenID Connect ID token.")
    CODE = strawberry.enum_value("CODE", description="An authorization code.")


@described
@strawberry.type
class SocialProvider:
    """An enabled provider."""

    name: str = strawberry.field(description="The value of `provider`, such as `google-oauth2`.")
    label: str = strawberry.field(description="The text of the button, such as `Google`.")
    client_ids: list[str] = strawberry.field(
        description="Our public client ids at the provider, for its SDKs: one per platform."
    )
    scopes: list[str] = strawberry.field(description="The scopes to request from the provider.")
    credentials: list[SocialCredentialKind] = strawberry.field(description="The accepted credentials, best first.")
    nonce_required: bool = strawberry.field(description="Whether ID tokens need a nonce of `createSocialNonce`.")

    @classmethod
    def of(cls, provider: social.SocialProvider) -> Self:
        """Map the domain's provider, without its secrets."""
        return cls(
            name=provider.name,
            label=provider.settings.label,
            client_ids=list(provider.settings.client_ids),
            scopes=list(provider.settings.scopes),
            credentials=[SocialCredentialKind[kind.name] for kind in provider.kinds],
            nonce_required=provider.nonce_required,
        )
