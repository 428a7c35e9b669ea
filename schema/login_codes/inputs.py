"""Inputs for signing in by mail."""

import strawberry

from schema.language.described import described
from schema.mails.types import MailedCodeInput
from schema.tokens.inputs import SignInInput


@described
@strawberry.input
class RequestLoginCodeInput:
    """The address to mail to."""

    email: str = strawberry.field(description="The account's e-mail address; case is ignored.")
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The OAuth client that signs in, and whose front end the link opens; defaults to the first-party client."
        ),
    )


@described
@strawberry.input(one_of=True)
class LoginCodeCredentialInput:
    """What was mailed: exactly one of these."""

    code: strawberry.Maybe[MailedCodeInput] = strawberry.field(
        description="The code, with the token of its MailedCode."
    )
    link_token: strawberry.Maybe[str] = strawberry.field(
        description="The token of the mailed link. It works in any browser: send it when the user presses a button."
    )


@described
@strawberry.input
class TokenAuthWithCodeInput(SignInInput):
    """A mailed code or link."""

    credential: LoginCodeCredentialInput = strawberry.field(description="The code or the link's token.")
