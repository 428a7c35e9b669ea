"""Inputs for leaving."""

import strawberry

from schema.language.described import described


@described
@strawberry.input
class DeleteAccountInput:
    """What the deletion of an account may need besides the Bearer token."""

    apple_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "A fresh authorization code that Sign in with Apple gave to an app: it is exchanged and revoked at Apple,"
            " as the App Store asks. Nothing of it is kept."
        ),
    )


@described
@strawberry.input
class CancelAccountDeletionInput:
    """The token of a mailed link."""

    token: str = strawberry.field(description="The token of the link.")
