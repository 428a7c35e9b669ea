"""Outcomes of the mutations of this room."""

import strawberry

from schema.language.described import described
from schema.language.payload import Payload


@described
@strawberry.type
class ReauthenticatePayload(Payload):
    """The outcome of `reauthenticate`."""

    expires_in: int | None = strawberry.field(
        default=None, description="Seconds for which sensitive changes are allowed now; `null` on failure."
    )
