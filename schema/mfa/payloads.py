"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload
from schema.mfa.types import TotpEnrollment

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class CreateTotpEnrollmentPayload(Payload):
    """The outcome of `createTotpEnrollment`."""

    enrollment: TotpEnrollment | None = strawberry.field(
        default=None, description="What to put into the app; `null` on failure."
    )


@described
@strawberry.type
class ConfirmTotpEnrollmentPayload(Payload):
    """The outcome of `confirmTotpEnrollment`."""

    recovery_codes: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "The recovery codes that come with the first factor, to be kept in a safe place: they are shown only here."
            " Empty otherwise."
        ),
    )
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account, if it is the signed-in one; otherwise `null`, also on success."
    )


@described
@strawberry.type
class DisableTotpPayload(Payload):
    """The outcome of `disableTotp`."""

    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account; `null` on failure."
    )


@described
@strawberry.type
class RegenerateRecoveryCodesPayload(Payload):
    """The outcome of `regenerateRecoveryCodes`."""

    recovery_codes: list[str] = strawberry.field(
        default_factory=list,
        description="The recovery codes, to be kept in a safe place: they are shown only here. Empty on failure.",
    )
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account; `null` on failure."
    )
