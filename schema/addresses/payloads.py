"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class RequestEmailChangePayload(Payload):
    """The outcome of `requestEmailChange`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account, with its `pendingEmail`; `null` on failure."
    )


@described
@strawberry.type
class ConfirmEmailChangePayload(Payload):
    """The outcome of `confirmEmailChange`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account with its new address; `null` on failure."
    )


@described
@strawberry.type
class CancelEmailChangePayload(Payload):
    """The outcome of `cancelEmailChange`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account; `null` on failure."
    )


@described
@strawberry.type
class UndoEmailChangePayload(Payload):
    """The outcome of `undoEmailChange`."""
