"""Confirm e-mail addresses."""

import strawberry


@strawberry.type
class VerificationMutations:
    """The mutations of this room."""
