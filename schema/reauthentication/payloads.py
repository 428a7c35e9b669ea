"""Outcomes of the mutations of this room."""

import strawberry

from schema.language.described import described
from schema.language.payload import Payload
from schema.mails.types import MailedCode


@described
@strawberry.type
class ReauthenticatePayload(Payload):
    """The outcome of `reauthenticate`."""

    expires_in: int | None = strawberry.field(
        default=None, description="Seconds for which sensitive changes are allowed now; `null` on failure."
    )


@described
@strawberry.type
class RequestReauthenticationCodePayload(Payload):
    """The outcome of `requestReauthenticationCode`."""

    mailed_code: MailedCode | None = strawberry.field(
        default=None, description="What to send back with the code; `null` on failure."
    )
