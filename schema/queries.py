"""Everything that can be read."""

import uuid
from typing import Annotated

import strawberry
from strawberry import relay

from accounts import directory, models
from schema.directives import Anonymous
from schema.pagination import LARGEST_PAGE, BadPage, paginate
from schema.permissions import Forbidden, Unauthenticated
from schema.types import Account, ApiInfo, AuthConfig, PageInfo, SocialAccount, User, UserConnection, UserEdge

NODES: dict[str, type[Account | SocialAccount | User]] = {
    "Account": Account,
    "SocialAccount": SocialAccount,
    "User": User,
}
"""The types that `node` knows; each decides what the viewer may see of it."""


def _resolve(ids: list[strawberry.ID], info: ApiInfo) -> list[models.Account | SocialAccount | None]:
    """The objects in the order asked; None alike for what is unknown, malformed or not for the viewer (S65)."""
    asked: list[tuple[str, uuid.UUID | None]] = []
    for id_ in ids:
        try:
            name, key = relay.from_base64(id_)
            asked.append((name, uuid.UUID(key)))
        except ValueError:
            asked.append(("", None))
    found = {
        name: type_.visible([key for asked_name, key in asked if asked_name == name and key], info)
        for name, type_ in NODES.items()
        if any(asked_name == name for asked_name, _ in asked)
    }
    return [found[name].get(key) if name in found and key else None for name, key in asked]


@strawberry.type(description="Everything that can be read.")
class Query:
    """The roots of reading."""

    @strawberry.field(
        description=(
            "The signed-in account; `null` when the request carries no Bearer token (being signed out is not an"
            " error).\nA Bearer token that is presented but expired, revoked or unknown never gives `null`: the request"
            " is answered with HTTP 401 and `UNAUTHENTICATED`, and nothing runs."
        )
    )
    def me(self, info: ApiInfo) -> Account | None:
        """See the description."""
        return info.context.viewer  # type: ignore[return-value]  # a row stands for its type

    @strawberry.field(
        description=(
            "The public profiles of active accounts, newest first. Readable by anyone by default; a deployment may"
            " limit it to signed-in accounts or to staff, and then answers `null` with UNAUTHENTICATED or FORBIDDEN.\n"
            "Without `first` and `last`, the first 20. `first` and `last` together, a negative number, more than 100,"
            " or a foreign cursor give BAD_USER_INPUT."
        )
    )
    def users(
        self,
        info: ApiInfo,
        first: Annotated[
            int | None,
            strawberry.argument(description="How many to return from the start, or after `after`: 1 to 100."),
        ] = strawberry.UNSET,
        after: Annotated[
            str | None, strawberry.argument(description="Return what comes after this cursor.")
        ] = strawberry.UNSET,
        last: Annotated[
            int | None,
            strawberry.argument(description="How many to return from the end, or before `before`: 1 to 100."),
        ] = strawberry.UNSET,
        before: Annotated[
            str | None, strawberry.argument(description="Return what comes before this cursor.")
        ] = strawberry.UNSET,
    ) -> UserConnection | None:
        """See the description."""
        viewer = info.context.viewer
        if not directory.readable_by(viewer):
            raise Unauthenticated if viewer is None else Forbidden
        page = paginate(
            User.get_queryset(models.Account.objects.all(), info),
            info=info,
            first=None if first is strawberry.UNSET else first,
            after=after or None,
            last=None if last is strawberry.UNSET else last,
            before=before or None,
        )
        return UserConnection(
            edges=[UserEdge(cursor=cursor, node=row) for row, cursor in page.rows],  # type: ignore[arg-type]
            nodes=[row for row, _ in page.rows],  # type: ignore[misc]
            page_info=PageInfo.of(page),
        )

    @strawberry.field(
        description=(
            "Any object by its id. `null` for an unknown id and for what the viewer may not see, without a difference."
        )
    )
    def node(
        self,
        info: ApiInfo,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id, as any `id` field gave it.")],
    ) -> relay.Node | None:
        """See the description."""
        return _resolve([id], info)[0]  # type: ignore[return-value]  # a row stands for its type

    @strawberry.field(
        description=(
            "Several objects by their ids, in the order asked, `null` where `node` would give `null`. At most 100."
        )
    )
    def nodes(
        self,
        info: ApiInfo,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids, as `id` fields gave them.")],
    ) -> list[relay.Node | None]:
        """See the description."""
        if len(ids) > LARGEST_PAGE:
            raise BadPage(f"At most {LARGEST_PAGE} ids.")
        return _resolve(ids, info)  # type: ignore[return-value]  # rows stand for their types

    @strawberry.field(
        description=(
            "What a front end needs to draw its sign-in and sign-up pages. The same for everyone; holds no secret."
        ),
        directives=[Anonymous()],
    )
    def auth_config(self) -> AuthConfig:
        """See the description."""
        return AuthConfig.now()
