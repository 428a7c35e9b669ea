"""Types about what happened to an account."""

import uuid
from datetime import datetime
from typing import Annotated, Self

import strawberry
import strawberry_django
from strawberry import relay

from accounts.guard import events, models
from accounts.guard.messages import message_of
from accounts.people.models import Account
from schema.language.described import described
from schema.language.pagination import First, Last, PageInfo, paginate
from schema.request.context import ApiInfo


@described
@strawberry.type
class SecurityEvent(relay.Node):
    """Something that happened to an account's security."""

    pk: relay.NodeID[uuid.UUID]
    type: str = strawberry.field(
        description="For programs, such as `account:login:failure`: see `docs/guard.md`. Stable; types may be added."
    )
    message: str = strawberry.field(
        description="The same for people, in the language of `Accept-Language`. Not stable: never compare it."
    )
    created_at: datetime = strawberry.field(description="When. Failures are counted by the minute, and tell its start.")
    ip_address: str | None = strawberry.field(
        description=(
            "The address that it came from; `null` if staff did it, or, before your address is confirmed, a stranger."
        )
    )
    user_agent: str | None = strawberry.field(description="The client, as it named itself; `null` as `ipAddress`.")

    @classmethod
    def of(cls, event: models.SecurityEvent, account: Account) -> Self:
        """Map the row of this account."""
        # Who is not known may be the owner of the address, and the account that of a stranger who registered it (S85).
        by_holder = event.actor == event.subject or (event.actor is None and account.email_verified)
        return cls(
            pk=event.pk,
            type=event.type,
            message=message_of(event),
            created_at=event.created_at,
            # Those of staff and strangers are nothing to the holder.
            ip_address=event.ip_address if by_holder else None,
            user_agent=(event.user_agent or None) if by_holder else None,
        )

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, Self]:
        """The viewer's own, of these keys."""
        viewer = info.context.viewer
        found = events.of_account(viewer.pk).filter(pk__in=keys) if viewer else ()
        return {event.pk: cls.of(event, viewer) for event in found} if viewer else {}


@described
@strawberry.type
class SecurityEventEdge:
    """A security event in a page."""

    cursor: str = strawberry.field(description="The cursor of this event, for `after` and `before`.")
    node: SecurityEvent = strawberry.field(description="The event.")


@described
@strawberry.type
class SecurityEventConnection:
    """A page of security events."""

    edges: list[SecurityEventEdge] = strawberry.field(description="The events with their cursors.")
    nodes: list[SecurityEvent] = strawberry.field(description="The events without their cursors.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the list.")


@strawberry.type
class SecurityEventFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def security_events(
        root: Account,  # noqa: N805 - the source is a row
        first: First = strawberry.UNSET,
        after: Annotated[
            str | None, strawberry.argument(description="Return the events after this cursor.")
        ] = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Annotated[
            str | None, strawberry.argument(description="Return the events before this cursor.")
        ] = strawberry.UNSET,
    ) -> SecurityEventConnection:
        """What happened to this account's security, newest first: refused attempts too.

        Without `first` and `last`, returns the first 20. Bad arguments give BAD_USER_INPUT, as in `users`.
        """
        page = paginate(
            events.of_account(root.pk),
            by="created_at",
            first=first,
            after=after,
            last=last,
            before=before,
        )
        rows = [(SecurityEvent.of(event, root), page.cursor(event)) for event in page.rows]
        return SecurityEventConnection(
            edges=[SecurityEventEdge(cursor=cursor, node=event) for event, cursor in rows],
            nodes=[event for event, _ in rows],
            page_info=PageInfo.of(page),
        )
