"""What mailed codes and links have in common."""

from typing import Self

import strawberry

from accounts.challenges import mailed
from schema.language.described import described


@described
@strawberry.type
class MailedCode:
    """A one-time code that was mailed, if the address has an account. The code works only together with this token."""

    token: str = strawberry.field(description="Send it back as `challengeToken`, together with the code.")
    expires_in: int = strawberry.field(description="Seconds until the code expires.")

    @classmethod
    def of(cls, requested: mailed.Requested) -> Self:
        """Map the domain's answer."""
        return cls(token=requested.token, expires_in=requested.expires_in)


@described
@strawberry.input
class MailedCodeInput:
    """A mailed code, and the token that came with the request for it."""

    challenge_token: str = strawberry.field(description="The token of the MailedCode.")
    code: str = strawberry.field(description="The mailed code. Case, spaces and dashes are ignored.")


@described
@strawberry.input
class MailedTokenInput:
    """The token of a mailed link."""

    token: str = strawberry.field(description="The token of the link.")
