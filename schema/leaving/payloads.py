"""Outcomes of the mutations of this room."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from schema.language.described import described
from schema.language.payload import Payload


@described
@strawberry.type
class DeleteAccountPayload(Payload):
    """The outcome of `deleteAccount`."""

    scheduled_for: datetime | None = strawberry.field(
        default=None,
        description=(
            "When the account and its data are deleted: later with a grace period, otherwise now, so they are gone"
            " already; `null` on failure."
        ),
    )


@described
@strawberry.type
class CancelAccountDeletionPayload(Payload):
    """The outcome of `cancelAccountDeletion`."""


@described
@strawberry.type
class DisownRegistrationPayload(Payload):
    """The outcome of `disownRegistration`."""


@described
@strawberry.type
class ExportAccountPayload(Payload):
    """The outcome of `exportAccount`."""

    data: JSON | None = strawberry.field(
        default=None,
        description=(
            "An object with everything that is stored about the account, by table; `null` on failure. `truncated` lists"
            " the tables that have more rows than `most_rows`: then the newest are here."
        ),
    )
