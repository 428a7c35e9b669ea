"""Inputs for changing the e-mail address."""

import strawberry

from schema.language.described import described


@described
@strawberry.input
class RequestEmailChangeInput:
    """A new address."""

    new_email: str = strawberry.field(description="The new e-mail address.")


@described
@strawberry.input(one_of=True)
class ConfirmEmailChangeInput:
    """Exactly one of these."""

    token: strawberry.Maybe[str] = strawberry.field(description="The token of the mailed link.")
    code: strawberry.Maybe[str] = strawberry.field(description="The mailed code. Case, spaces and dashes are ignored.")
