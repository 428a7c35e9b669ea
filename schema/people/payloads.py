"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class UpdateAccountPayload(Payload):
    """The outcome of `updateAccount`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account with its changes; `null` on failure."
    )
