"""Read the signed-in account and the public profiles."""

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry

from accounts.people import directory
from schema.language.described import described
from schema.language.pagination import First, Last, page_of
from schema.people.types import UserConnection
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
    def users(
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
    ) -> UserConnection | None:
        """The public profiles of active accounts, newest first.

        Readable by anyone by default. A deployment may limit it to signed-in accounts or to staff: others then get
        `null` with UNAUTHENTICATED or FORBIDDEN.

        Without `first` and `last`, returns the first 20. `first` and `last` together, a negative number, more than 100,
        or a cursor of another list give BAD_USER_INPUT.
        """
        if not directory.readable_by(info.context.viewer):
            info.context.signed_in()
            raise Forbidden
        viewer = info.context.viewer
        page = page_of(
            lambda part: directory.profiles_for(viewer, part),
            position=attrgetter("date_joined", "pk"),
            first=first,
            after=after,
            last=last,
            before=before,
        )
        return UserConnection(page=page)
