"""The step of a sign-in that waits for the confirmation of the address."""

from typing import Self

import strawberry

from accounts.verification import challenge as challenges
from schema.challenges.types import AuthChallenge, challenge_of
from schema.language.described import described


@described
@strawberry.type
class EmailVerificationChallenge(AuthChallenge):
    """The e-mail address must be confirmed.

    Answer with the mailed code and `answerEmailVerificationChallenge`; or follow the mailed link, and sign in.
    """

    token: str = strawberry.field(description="Send it back as `challengeToken`.")
    email: str = strawberry.field(description="The address that the mail was sent to.")

    @classmethod
    def of(cls, challenge: challenges.EmailVerificationChallenge) -> Self:
        """Map the domain's challenge."""
        return cls(token=challenge.token, expires_in=challenge.expires_in, email=challenge.email)


challenge_of.register(challenges.EmailVerificationChallenge, EmailVerificationChallenge.of)
