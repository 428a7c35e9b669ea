"""Read the signed-in account and the public profiles."""

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry

from accounts.people import directory
from accounts.people.directory import Order, OrderField
from accounts.people.usernames import LONGEST_USERNAME
from schema.language.described import described
from schema.language.pagination import NEWEST_FIRST, Cursors, First, Last, page_of
from schema.people.inputs import UserOrderInput
from schema.people.types import User, UserConnection
from schema.request.context import ApiInfo
from schema.request.refusals import Forbidden

if TYPE_CHECKING:
    from schema.account import Account


@strawberry.type
class PeopleQueries:
    """The queries of this room."""

    @described
    @strawberry.field
    def me(self, info: ApiInfo) -> Annotated["Account", strawberry.lazy("schema.account")] | None:
        """The signed-in account; `null` without a Bearer token (being signed out is not an error).

        An expired, revoked or unknown Bearer token never gives `null`: the response is HTTP 401 with `UNAUTHENTICATED`,
        and nothing runs.
        """
        return info.context.viewer  # type: ignore[return-value]  # a row stands for its type

    @described
    @strawberry.field
    def users(  # noqa: PLR0917 - the field's arguments, by name
        self,
        info: ApiInfo,
        first: First = strawberry.UNSET,
        after: Annotated[
            str | None, strawberry.argument(description="Return the profiles after this cursor.")
        ] = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Annotated[
            str | None, strawberry.argument(description="Return the profiles before this cursor.")
        ] = strawberry.UNSET,
        order_by: Annotated[
            UserOrderInput | None,
            strawberry.argument(description="The order. A cursor is valid only for the order it was made with."),
        ] = strawberry.UNSET,
    ) -> UserConnection | None:
        """The public profiles of active accounts, newest first unless `orderBy` says otherwise.

        Readable by anyone by default. A deployment may limit it to signed-in accounts or to staff: others then get
        `null` with UNAUTHENTICATED or FORBIDDEN.

        Without `first` and `last`, returns the first 20. `first` and `last` together, a negative number, more than 100,
        or a cursor of another list or order give BAD_USER_INPUT.
        """
        if not directory.readable_by(info.context.viewer):
            info.context.signed_in()
            raise Forbidden
        viewer = info.context.viewer
        order = order_by.order() if order_by else directory.NEWEST_FIRST
        page = page_of(
            lambda part: directory.profiles_for(viewer, part, order),
            position=attrgetter(order.field.value, "pk"),
            first=first,
            after=after,
            last=last,
            before=before,
            cursors=CURSORS[order],
        )
        return UserConnection(page=page)

    @described
    @strawberry.field
    def user(
        self,
        info: ApiInfo,
        username: Annotated[str, strawberry.argument(description="The username, in upper or lower case.")],
    ) -> User | None:
        """One public profile by its username.

        `null` both for a username that no active account has and for a viewer who may not read public profiles.
        """
        profile = directory.profile_named(username, info.context.viewer)
        return profile and User.of(profile)


def _cursors(order: Order) -> Cursors:
    """The newest first have the cursors that were made before there were other orders."""
    if order == directory.NEWEST_FIRST:
        return NEWEST_FIRST
    return Cursors(
        order=f":{order.field.name}:{'DESC' if order.descending else 'ASC'}",
        longest_text=LONGEST_USERNAME if order.field is OrderField.USERNAME else 0,
    )


CURSORS = {
    order: _cursors(order)
    for field in OrderField
    for order in (Order(field, descending=True), Order(field, descending=False))
}
