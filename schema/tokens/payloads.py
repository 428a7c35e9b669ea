"""Outcomes of the mutations about tokens."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from accounts.errors import AccountsError
from schema.challenges.types import AuthChallenge, challenge_of
from schema.language.described import described
from schema.language.payload import AuthError, Payload
from schema.tokens.types import TokenSet

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class AuthPayload:
    """The outcome of every mutation that can sign in.

    Either `tokens` is set (signed in), or `errors` is not empty.

    If one more step is needed, `challenge` describes it. Its error carries the matching code and a message, so that a
    client that knows no challenges still shows something sensible.
    """

    tokens: TokenSet | None = strawberry.field(default=None, description="The tokens; `null` when not signed in.")
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The signed-in account; `null` when not signed in."
    )
    is_new_account: bool = strawberry.field(
        default=False,
        description=(
            "Whether this call created the account: by `register`, by the first sign-in through a provider, or by the"
            " confirmation that either of them waited for."
        ),
    )
    challenge: AuthChallenge | None = strawberry.field(
        default=None, description="The step that is left before tokens are issued."
    )
    errors: list[AuthError] = strawberry.field(
        default_factory=list, description="Why there are no tokens; empty on success."
    )

    @classmethod
    def refused(cls, error: AccountsError) -> Self:
        """The payload of a failure, with its challenge if one more step is needed."""
        return cls(errors=AuthError.all_of(error), challenge=challenge_of(getattr(error, "challenge", None)))


@described
@strawberry.type
class RevokeTokenPayload(Payload):
    """The outcome of `revokeToken`."""


@described
@strawberry.type
class RevokeSessionPayload(Payload):
    """The outcome of `revokeSession`."""

    deleted_session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the ended session; `null` on failure."
    )


@described
@strawberry.type
class RevokeOtherSessionsPayload(Payload):
    """The outcome of `revokeOtherSessions`."""

    revoked_count: int = strawberry.field(default=0, description="How many sessions were ended.")


@described
@strawberry.type
class RevokeAllSessionsPayload(Payload):
    """The outcome of `revokeAllSessions`."""

    revoked_count: int = strawberry.field(default=0, description="How many sessions were ended, the current one too.")
