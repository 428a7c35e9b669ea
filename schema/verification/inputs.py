"""Inputs for the confirmation of addresses."""

import strawberry

from schema.language.described import described


@described
@strawberry.input
class VerifyEmailLinkInput:
    """A mailed link, and what shows that the registration was one's own."""

    token: str = strawberry.field(description="The token of the link.")
    challenge_token: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The token of the EmailVerificationChallenge, in the browser that received it.",
    )
    new_password: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "A new password: see `authConfig.passwordPolicy`. Required if neither the account's Bearer token nor"
            " `challengeToken` shows that the registration was one's own; ignored otherwise."
        ),
    )


@described
@strawberry.input(one_of=True)
class VerifyEmailInput:
    """A mailed link or code: exactly one of these."""

    link: strawberry.Maybe[VerifyEmailLinkInput] = strawberry.field(description="The mailed link.")
    code: strawberry.Maybe[str] = strawberry.field(description="The mailed code; needs the account's Bearer token.")


@described
@strawberry.input
class ResendVerificationInput:
    """The address to send the mail to."""

    email: str = strawberry.field(description="The address.")
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The OAuth client whose front end the link opens; defaults to the first-party client.",
    )


@described
@strawberry.input
class AnswerEmailVerificationChallengeInput:
    """A challenge and the mailed code."""

    challenge_token: str = strawberry.field(description="The token of the EmailVerificationChallenge.")
    code: str = strawberry.field(description="The mailed code. Case, spaces and dashes are ignored.")
