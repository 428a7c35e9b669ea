"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload
from schema.mails.types import MailedCode

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class ChangePasswordPayload(Payload):
    """The outcome of `changePassword`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account; `null` on failure."
    )


@described
@strawberry.type
class RequestPasswordResetPayload(Payload):
    """The outcome of `requestPasswordReset`: the same for every address."""

    mailed_code: MailedCode | None = strawberry.field(
        default=None, description="What to send back with the typed code; given for every address; `null` on failure."
    )


@described
@strawberry.type
class ResetPasswordPayload(Payload):
    """The outcome of `resetPassword`."""


@described
@strawberry.type
class SecureAccountPayload(Payload):
    """The outcome of `secureAccount`."""
