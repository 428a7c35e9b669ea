"""Types about sessions."""

import enum
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Self

import strawberry
import strawberry_django
from strawberry import relay

from accounts.people.models import Account
from accounts.tokens import models, sessions
from accounts.tokens.agents import device_name
from accounts.tokens.proof import freshness_of
from schema.language.described import described
from schema.language.pagination import First, Last, PageInfo, paginate
from schema.request.context import ApiInfo


@described
@strawberry.enum
class AuthenticationMethod(enum.Enum):
    """What a session was opened or confirmed with."""

    PASSWORD = strawberry.enum_value("PASSWORD", description="The password.")
    SOCIAL = strawberry.enum_value("SOCIAL", description="A linked account at a provider.")
    EMAIL_CODE = strawberry.enum_value("EMAIL_CODE", description="A mailed code or link.")
    TOTP = strawberry.enum_value("TOTP", description="A code of the authenticator app.")
    RECOVERY_CODE = strawberry.enum_value("RECOVERY_CODE", description="A recovery code.")
    PASSKEY = strawberry.enum_value("PASSKEY", description="A passkey.")


@described
@strawberry.type
class Session(relay.Node):
    """One sign-in and all the tokens that came of it."""

    pk: relay.NodeID[uuid.UUID]
    client_name: str = strawberry.field(description="The client that signed in, such as `Web`.")
    created_at: datetime = strawberry.field(description="When it began.")
    authenticated_at: datetime = strawberry.field(
        description="When its holder last proved who they are: by signing in, or by `reauthenticate`."
    )
    authentication_methods: list[AuthenticationMethod] = strawberry.field(
        description="What they proved it with, in order; empty for a session that was begun without a proof."
    )
    last_used_at: datetime = strawberry.field(description="When it was last refreshed.")
    expires_at: datetime = strawberry.field(description="When it ends at the latest, however often it is used.")
    ip_address: str | None = strawberry.field(description="The address that it was last used from.")
    user_agent: str | None = strawberry.field(description="The browser or app, as it named itself.")
    is_current: bool = strawberry.field(
        description="Whether it is the session of this request's Bearer token; a sign-in has none yet."
    )
    remembers_browser: bool = strawberry.field(
        description=(
            "Whether the browser in which it began is not asked for a second factor for a while, also after signing"
            " out. `revokeSession`, `revokeOtherSessions` and `revokeAllSessions` end that."
        )
    )

    proved_until: strawberry.Private[Callable[[], datetime | None]]

    @described
    @strawberry.field
    def reauthenticated_until(self) -> datetime | None:
        """Until when sensitive changes need no new proof in this session; `null` or past: call `reauthenticate` first.

        With a second factor on, that takes a first factor and a second one, or a passkey. Reading never needs it.
        """
        return self.proved_until()

    @described
    @strawberry.field
    def device(self) -> str | None:
        """A readable name of the browser or app, such as `Safari on iPhone`; `null` if it is not recognized."""
        return device_name(self.user_agent or "")

    @classmethod
    def of(cls, row: models.Session, *, proved_until: Callable[[models.Session], datetime | None]) -> Self:
        """Map the row."""
        return cls(
            pk=row.pk,
            client_name=row.client.name or row.client.client_id,
            created_at=row.created_at,
            authenticated_at=row.authenticated_at,
            authentication_methods=[
                AuthenticationMethod[models.AuthenticationMethod(method).name] for method in row.authentication_methods
            ],
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            ip_address=row.ip_address,
            user_agent=row.user_agent or None,
            is_current=row.is_current,  # type: ignore[attr-defined]  # annotated
            remembers_browser=row.remembers_browser,  # type: ignore[attr-defined]  # annotated
            proved_until=partial(proved_until, row),
        )

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, Self]:
        """The viewer's own, of these keys."""
        bearer = info.context.bearer
        if bearer is None:
            return {}
        found = sessions.sessions_of(bearer.account.pk, bearer=bearer).filter(pk__in=keys)
        proved_until = freshness_of(bearer.account)
        return {row.pk: cls.of(row, proved_until=proved_until) for row in found}


@described
@strawberry.type
class SessionEdge:
    """A session in a page."""

    cursor: str = strawberry.field(description="The cursor of this session, for `after` and `before`.")
    node: Session = strawberry.field(description="The session.")


@described
@strawberry.type
class SessionConnection:
    """A page of sessions."""

    edges: list[SessionEdge] = strawberry.field(description="The sessions with their cursors.")
    nodes: list[Session] = strawberry.field(description="The sessions without their cursors.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the list.")


@strawberry.type
class SessionFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def sessions(
        root: Account,  # noqa: N805 - the source is a row
        info: ApiInfo,
        first: First = strawberry.UNSET,
        after: Annotated[
            str | None, strawberry.argument(description="Return the sessions after this cursor.")
        ] = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Annotated[
            str | None, strawberry.argument(description="Return the sessions before this cursor.")
        ] = strawberry.UNSET,
    ) -> SessionConnection:
        """Where this account is signed in, most recently used first.

        Without `first` and `last`, returns the first 20. Bad arguments give BAD_USER_INPUT, as in `users`.
        """
        page = paginate(
            sessions.sessions_of(root.pk, bearer=info.context.known_bearer),
            by="last_used_at",
            first=first,
            after=after,
            last=last,
            before=before,
        )
        proved_until = freshness_of(root)
        rows = [(Session.of(row, proved_until=proved_until), page.cursor(row)) for row in page.rows]
        return SessionConnection(
            edges=[SessionEdge(cursor=cursor, node=session) for session, cursor in rows],
            nodes=[session for session, _ in rows],
            page_info=PageInfo.of(page),
        )
