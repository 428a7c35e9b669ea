"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload
from schema.passkeys.types import Passkey, PasskeyCeremony

if TYPE_CHECKING:
    from schema.account import Account

OPTIONS = "The options; `null` on failure."


@described
@strawberry.type
class CreatePasskeyRegistrationPayload(Payload):
    """The outcome of `createPasskeyRegistration`."""

    ceremony: PasskeyCeremony | None = strawberry.field(default=None, description=OPTIONS)


@described
@strawberry.type
class AddPasskeyPayload(Payload):
    """The outcome of `addPasskey`."""

    passkey: Passkey | None = strawberry.field(default=None, description="The passkey; `null` on failure.")
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account, if it is the signed-in one; otherwise `null`, also on success."
    )
    recovery_codes: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "The recovery codes that come with the first factor, to be kept in a safe place: they are shown only here."
            " Empty otherwise."
        ),
    )


@described
@strawberry.type
class RenamePasskeyPayload(Payload):
    """The outcome of `renamePasskey`."""

    passkey: Passkey | None = strawberry.field(default=None, description="The passkey; `null` on failure.")


@described
@strawberry.type
class RemovePasskeyPayload(Payload):
    """The outcome of `removePasskey`."""

    deleted_passkey_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the removed passkey; `null` on failure."
    )
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account with its remaining passkeys; `null` on failure."
    )


@described
@strawberry.type
class CreatePasskeyAssertionPayload(Payload):
    """The outcome of `createPasskeyAssertion`."""

    ceremony: PasskeyCeremony | None = strawberry.field(default=None, description=OPTIONS)
