"""Types about people."""

import copy
import uuid

import strawberry
import strawberry_django
from django.db.models import QuerySet
from strawberry import relay

from accounts.conf import latchkey
from accounts.people import directory, models
from schema.language.described import described
from schema.language.pagination import PageInfo
from schema.request.context import ApiInfo


@described
@strawberry_django.type(models.Account, name="User")
class User(relay.Node):
    """The public part of an account. Never holds an e-mail address."""

    pk: relay.NodeID[uuid.UUID]
    username: strawberry.auto = strawberry_django.field(description="The public name, unique ignoring case.")
    date_joined: strawberry.auto = strawberry_django.field(description="When the account was created.")

    @described
    @strawberry_django.field
    def first_name(root: models.Account) -> str | None:  # noqa: N805 - the source is a row
        """Given name; `null` where the deployment keeps names private."""
        return root.first_name if latchkey().public_names else None

    @described
    @strawberry_django.field
    def last_name(root: models.Account) -> str | None:  # noqa: N805 - the source is a row
        """Family name; `null` where the deployment keeps names private."""
        return root.last_name if latchkey().public_names else None

    @classmethod
    def get_queryset(cls, queryset: QuerySet[models.Account], info: ApiInfo) -> QuerySet[models.Account]:
        """The profiles that the viewer may see, for both `users` and `node`."""
        return directory.profiles_for(info.context.viewer, queryset)

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, models.Account]:
        """The profiles with these keys that the viewer may see."""
        rows = cls.get_queryset(models.Account.objects.filter(pk__in=keys), info)
        return {row.pk: strawberry.cast(cls, row) for row in rows}


@strawberry_django.type(models.Account)
class AccountFields:
    """What this room adds to the type Account."""

    email: strawberry.auto = strawberry_django.field(description="The e-mail address used to sign in.")
    email_verified: strawberry.auto = strawberry_django.field(description="Whether the e-mail address is verified.")
    username: strawberry.auto = strawberry_django.field(description="The public name, unique ignoring case.")
    first_name: strawberry.auto = strawberry_django.field(description="Given name.")
    last_name: strawberry.auto = strawberry_django.field(description="Family name; may be empty.")
    locale: strawberry.auto = strawberry_django.field(
        description=(
            "The language of mails, as a BCP 47 tag such as `de` or `pt-BR`; mails are in the nearest language that the"
            " service has, or in English. Messages of answers follow `Accept-Language` instead."
        )
    )
    date_joined: strawberry.auto = strawberry_django.field(description="When the account was created.")
    last_login: strawberry.auto = strawberry_django.field(description="When the account last signed in, by any method.")

    @described
    @strawberry_django.field
    def subject(root: models.Account) -> str:  # noqa: N805 - the source is a row
        """The account's OpenID Connect `sub`, also in token introspection. Never changes, is never reused."""
        return str(root.pk)

    @described
    @strawberry_django.field
    def public_profile(root: models.Account) -> User:  # noqa: N805 - the source is a row
        """The public profile of this account.

        Has the same id as the nodes of `users`, so that clients cache it once.
        """
        return strawberry.cast(User, copy.copy(root))  # type: ignore[return-value]  # a row stands for its type


@described
@strawberry.type
class UserEdge:
    """A public profile in a page."""

    cursor: str = strawberry.field(description="The cursor of this profile, for `after` and `before`.")
    node: User = strawberry.field(description="The profile.")


@described
@strawberry.type
class UserConnection:
    """A page of public profiles."""

    edges: list[UserEdge] = strawberry.field(description="The profiles with their cursors.")
    nodes: list[User] = strawberry.field(description="The profiles without their cursors.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the list.")
