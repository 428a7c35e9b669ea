"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class ChangePasswordPayload(Payload):
    """The outcome of `changePassword`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account; `null` on failure."
    )
