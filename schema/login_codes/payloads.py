"""Outcomes of the mutations of this room."""

import strawberry

from schema.language.described import described
from schema.language.payload import Payload
from schema.mails.types import MailedCode


@described
@strawberry.type
class RequestLoginCodePayload(Payload):
    """The outcome of `requestLoginCode`: the same for every address."""

    mailed_code: MailedCode | None = strawberry.field(
        default=None, description="What to send back with the code; `null` on failure."
    )
