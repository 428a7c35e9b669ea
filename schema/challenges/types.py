"""The step between a first credential and the tokens."""

from functools import singledispatch

import strawberry

from schema.language.described import described


@described
@strawberry.interface
class AuthChallenge:
    """A step between the first credential and the tokens.

    New kinds may be added: keep a default branch that shows the error's message.
    """

    token: str = strawberry.field(
        description=(
            "Send it back as `challengeToken`. Opaque; bound to the client, scope and transport of the first call."
        )
    )
    expires_in: int = strawberry.field(description="Seconds until it expires.")


@singledispatch
def challenge_of(challenge: object) -> AuthChallenge | None:
    """The GraphQL type for a challenge of the domain; None for None. Each room registers its own challenges."""
    if challenge is not None:
        raise TypeError(f"No room has registered {type(challenge).__name__}.")
    return None
