"""Sign in by mail."""

import strawberry


@strawberry.type
class LoginCodeMutations:
    """The mutations of this room."""
