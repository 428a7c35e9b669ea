"""Types about people."""

import uuid
from datetime import datetime
from typing import Self

import strawberry
import strawberry_django
from strawberry import relay

from accounts.people import directory, models, roles
from accounts.people.directory import Profile
from schema.language.described import described
from schema.language.pagination import Page, PageInfo
from schema.request.context import ApiInfo


@described
@strawberry.type
class User(relay.Node):
    """The public part of an account. Never holds an e-mail address."""

    pk: relay.NodeID[uuid.UUID]
    username: str = strawberry.field(description="The public name, unique ignoring case.")
    date_joined: datetime = strawberry.field(description="When the account was created.")
    first_name: str | None = strawberry.field(
        description="Given name; `null` where the deployment keeps names private."
    )
    last_name: str | None = strawberry.field(
        description="Family name; `null` where the deployment keeps names private."
    )

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Map the profile."""
        pk, username, date_joined, first_name, last_name, _ = profile
        return cls(pk=pk, username=username, date_joined=date_joined, first_name=first_name, last_name=last_name)

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, Self]:
        """The profiles with these keys that the viewer may see."""
        return {profile.pk: cls.of(profile) for profile in directory.profiles_with(keys, info.context.viewer)}


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

    is_staff: strawberry.auto = strawberry_django.field(description="Whether the account may enter the administration.")

    @described
    @strawberry_django.field
    def groups(root: models.Account) -> list[str]:  # noqa: N805 - the source is a row
        """The names of the groups (roles) that the account belongs to, sorted."""
        return roles.groups_of(root)

    @described
    @strawberry_django.field
    def permissions(root: models.Account) -> list[str]:  # noqa: N805 - the source is a row
        """What the account may do, directly and through groups, as `app.codename`, sorted; a superuser everything.

        For drawing a user interface; the server decides again.
        """
        return roles.permissions_of(root)

    @described
    @strawberry_django.field
    def public_profile(root: models.Account) -> User:  # noqa: N805 - the source is a row
        """The public profile of this account.

        Has the same id as the nodes of `users`, so that clients cache it once.
        """
        return User.of(directory.profile_of(root))


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

    page: strawberry.Private[Page[Profile]]

    @described
    @strawberry.field
    def edges(self) -> list[UserEdge]:
        """The profiles with their cursors."""
        return [UserEdge(cursor=self.page.cursor(profile), node=User.of(profile)) for profile in self.page.rows]

    @described
    @strawberry.field
    def nodes(self) -> list[User]:
        """The profiles without their cursors."""
        return [User.of(profile) for profile in self.page.rows]

    @described
    @strawberry.field
    def page_info(self) -> PageInfo:
        """The position of this page in the list."""
        return PageInfo.of(self.page)
