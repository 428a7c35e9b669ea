"""Change the e-mail address."""

import strawberry


@strawberry.type
class AddressMutations:
    """The mutations of this room."""
