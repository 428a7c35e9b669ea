"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class VerifyEmailPayload(Payload):
    """The outcome of `verifyEmail`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account, if it is the signed-in one; otherwise `null`, also on success."
    )


@described
@strawberry.type
class ResendVerificationPayload(Payload):
    """The outcome of `resendVerification`: the same for every address."""
