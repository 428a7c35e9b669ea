"""What the API returns."""

import copy
import enum
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import strawberry
import strawberry_django
from django.db.models import QuerySet
from strawberry import Info, relay
from strawberry.types.scalar import ScalarDefinition

from accounts import bearer_tokens, directory, models, social
from accounts.conf import latchkey
from schema.context import Context
from schema.cookies import RefreshCookie
from schema.pagination import Page

DateTime = strawberry.scalar(
    name="DateTime",
    description="An instant in UTC, RFC 3339 with a `Z`, for example `2026-11-23T13:04:05Z`.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=lambda value: value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    parse_value=datetime.fromisoformat,
)
SCALARS: Mapping[object, ScalarDefinition] = {datetime: DateTime}

ApiInfo = Info[Context, None]


@strawberry_django.type(
    models.Account,
    name="User",
    description="What anyone may see of an account. Holds no e-mail address, by construction.",
)
class User(relay.Node):
    """A public profile."""

    pk: relay.NodeID[uuid.UUID]
    username: strawberry.auto = strawberry_django.field(description="The public name, unique in any case.")
    date_joined: strawberry.auto = strawberry_django.field(description="When the account was created.")

    @strawberry_django.field(description="Given name; `null` where the deployment keeps names private.")
    def first_name(root: models.Account) -> str | None:  # noqa: N805 - the source is a row
        """See the description."""
        return root.first_name if latchkey().public_names else None

    @strawberry_django.field(description="Family name; `null` where the deployment keeps names private.")
    def last_name(root: models.Account) -> str | None:  # noqa: N805 - the source is a row
        """See the description."""
        return root.last_name if latchkey().public_names else None

    @classmethod
    def get_queryset(cls, queryset: QuerySet[models.Account], info: ApiInfo) -> QuerySet[models.Account]:
        """What the viewer may see, for `users` and `node` alike."""
        return directory.profiles_for(info.context.viewer, queryset)

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, models.Account]:
        """The profiles with these keys that the viewer may see."""
        rows = cls.get_queryset(models.Account.objects.filter(pk__in=keys), info)
        return {row.pk: strawberry.cast(cls, row) for row in rows}


@strawberry.enum(description="A first factor.")
class SignInMethod(enum.Enum):
    """See the description."""

    PASSWORD = strawberry.enum_value("PASSWORD", description="E-mail and password.")
    SOCIAL = strawberry.enum_value("SOCIAL", description="A linked account at a provider.")


@strawberry.type(description="A linked account at a provider.")
class SocialAccount(relay.Node):
    """See the description."""

    pk: relay.NodeID[uuid.UUID]
    provider: str = strawberry.field(description="The provider's name, as in `SocialProvider.name`.")
    label: str = strawberry.field(description="What to show, such as `Google`.")
    email: str | None = strawberry.field(description="The address that the provider told at the last sign-in, if any.")
    created_at: datetime = strawberry.field(description="When it was linked.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used to sign in.")

    @classmethod
    def of(cls, linked: social.LinkedIdentity) -> Self:
        """The domain's for the wire."""
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
        """Those of the viewer."""
        viewer = info.context.viewer
        linked = social.linked_identities(viewer) if viewer else []
        return {identity.id: cls.of(identity) for identity in linked if identity.id in keys}


@strawberry_django.type(
    models.Account,
    name="Account",
    description="The viewer's own account: private. What others see of it is `publicProfile`.",
)
class Account(relay.Node):
    """The viewer's account."""

    pk: relay.NodeID[uuid.UUID]
    email: strawberry.auto = strawberry_django.field(description="The e-mail address used to sign in.")
    email_verified: strawberry.auto = strawberry_django.field(
        description="Whether the address was shown to be the account holder's."
    )
    username: strawberry.auto = strawberry_django.field(description="The public name, unique in any case.")
    first_name: strawberry.auto = strawberry_django.field(description="Given name.")
    last_name: strawberry.auto = strawberry_django.field(description="Family name; empty when there is none.")
    date_joined: strawberry.auto = strawberry_django.field(description="When the account was created.")
    last_login: strawberry.auto = strawberry_django.field(description="The last sign-in, of any kind.")

    @strawberry_django.field(
        description=(
            "The name under which other services know this account: the OpenID Connect `sub`, also in token"
            " introspection. Never changes, never reused."
        )
    )
    def subject(root: models.Account) -> str:  # noqa: N805 - the source is a row
        """See the description."""
        return str(root.pk)

    @strawberry_django.field(
        description=(
            "The same person as everyone sees them. Shares its id with the nodes of `users`, so that one cache"
            " entry serves both."
        )
    )
    def public_profile(root: models.Account) -> User:  # noqa: N805 - the source is a row
        """See the description."""
        return strawberry.cast(User, copy.copy(root))  # type: ignore[return-value]  # a row stands for its type

    @strawberry_django.field(description="Linked accounts at providers.")
    def social_accounts(root: models.Account) -> list[SocialAccount]:  # noqa: N805 - the source is a row
        """See the description."""
        return [SocialAccount.of(identity) for identity in social.linked_identities(root)]

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, models.Account]:
        """The viewer, if asked for."""
        viewer = info.context.viewer
        return {viewer.pk: strawberry.cast(cls, copy.copy(viewer))} if viewer and viewer.pk in keys else {}


@strawberry.type(description="Where one is in a list of pages, as Relay defines it.")
class PageInfo:
    """Relay's."""

    has_next_page: bool = strawberry.field(description="Whether more follow after `endCursor`.")
    has_previous_page: bool = strawberry.field(description="Whether more precede `startCursor`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge; `null` on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge; `null` on an empty page.")

    @classmethod
    def of(cls, page: Page[Any]) -> Self:
        """Where a page is."""
        return cls(
            has_next_page=page.has_next_page,
            has_previous_page=page.has_previous_page,
            start_cursor=page.rows[0][1] if page.rows else None,
            end_cursor=page.rows[-1][1] if page.rows else None,
        )


@strawberry.type(description="A public profile in a page.")
class UserEdge:
    """Relay's."""

    cursor: str = strawberry.field(description="Where it stands, for `after` and `before`.")
    node: User = strawberry.field(description="The profile.")


@strawberry.type(description="A page of public profiles.")
class UserConnection:
    """Relay's."""

    edges: list[UserEdge] = strawberry.field(description="The profiles with their cursors.")
    nodes: list[User] = strawberry.field(description="The profiles alone, for those who page by `pageInfo`.")
    page_info: PageInfo = strawberry.field(description="Where this page is.")


@strawberry.type(description="A pair of tokens (RFC 6749 §5.1).")
class TokenSet:
    """See RFC 6749 §5.1."""

    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer …`. Opaque; keep it in memory.")
    token_type: str = strawberry.field(description="Always `Bearer`.")
    expires_in: int = strawberry.field(description="Seconds until the access token expires, counted from this answer.")
    scope: str = strawberry.field(description="What the tokens allow, separated by spaces.")
    refresh_token: str | None = strawberry.field(
        description=(
            "For `refreshToken`; spent at its first use. `null` in the COOKIE transport, where scripts never see it."
        )
    )
    refresh_token_expires_in: int = strawberry.field(
        description="Seconds until the refresh token expires if it is not used; also given in the COOKIE transport."
    )

    @classmethod
    def of(cls, tokens: bearer_tokens.TokenSet, *, cookie: RefreshCookie | None) -> Self:
        """The domain's tokens for the wire; the refresh token goes into the cookie if there is one (S51)."""
        if cookie:
            cookie.set(tokens.refresh_token, seconds=tokens.refresh_token_expires_in)
        return cls(
            access_token=tokens.access_token,
            token_type=tokens.token_type,
            expires_in=tokens.expires_in,
            scope=tokens.scope,
            refresh_token=None if cookie else tokens.refresh_token,
            refresh_token_expires_in=tokens.refresh_token_expires_in,
        )


@strawberry.enum(description="What a provider can issue.")
class SocialCredentialKind(enum.Enum):
    """See the description."""

    ACCESS_TOKEN = strawberry.enum_value("ACCESS_TOKEN", description="An OAuth access token of the provider.")
    ID_TOKEN = strawberry.enum_value("ID_TOKEN", description="An OpenID Connect ID token.")
    CODE = strawberry.enum_value("CODE", description="An authorization code.")


@strawberry.type(description="A provider that is switched on.")
class SocialProvider:
    """See the description."""

    name: str = strawberry.field(description="What to send as `provider`, such as `google-oauth2`.")
    label: str = strawberry.field(description="What to write on the button, such as `Google`.")
    client_ids: list[str] = strawberry.field(
        description="Our public client ids at the provider, for its SDKs: one per platform."
    )
    scopes: list[str] = strawberry.field(description="The scopes to ask it for.")
    credentials: list[SocialCredentialKind] = strawberry.field(description="The credentials that it takes, best first.")
    nonce_required: bool = strawberry.field(description="Whether ID tokens need a nonce of `createSocialNonce`.")

    @classmethod
    def of(cls, backend: social.VerifyingBackend) -> Self:
        """Without its secrets."""
        provider = backend.provider
        return cls(
            name=provider.name,
            label=provider.label,
            client_ids=list(provider.client_ids),
            scopes=list(provider.scopes),
            credentials=[SocialCredentialKind[kind.name] for kind in backend.kinds],
            nonce_required=backend.nonce_required,
        )


@strawberry.type(description="What this service offers, for drawing sign-in and sign-up pages.")
class AuthConfig:
    """See the description."""

    sign_in_methods: list[SignInMethod] = strawberry.field(description="First factors that are switched on.")
    social_providers: list[SocialProvider] = strawberry.field(
        description="Providers that are switched on, in the order to show them."
    )

    @classmethod
    def now(cls) -> Self:
        """As the settings say."""
        providers = [SocialProvider.of(backend) for backend in social.offered()]
        methods = [SignInMethod.PASSWORD, *([SignInMethod.SOCIAL] if providers else [])]
        return cls(sign_in_methods=methods, social_providers=providers)
