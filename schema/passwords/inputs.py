"""Inputs for registration, sign-in with a password, and choosing another."""

import strawberry

from schema.language.described import described
from schema.mails.types import MailedCodeInput
from schema.tokens.inputs import SignInInput


@described
@strawberry.input
class RegisterInput(SignInInput):
    """A new account."""

    email: str = strawberry.field(description="E-mail address: used to sign in, unique ignoring case.")
    username: str = strawberry.field(
        description=(
            "Public name, unique ignoring case: letters and digits of any script, `.` `+` `-` `_`, up to 150."
            " Scripts whose letters look alike cannot be mixed, and a name that looks like an existing one is taken."
        )
    )
    first_name: str = strawberry.field(description="Given name, up to 150 characters.")
    last_name: str | None = strawberry.field(default="", description="Family name, up to 150 characters.")
    password: str = strawberry.field(
        description="See `authConfig.passwordPolicy`; not a common or leaked password, nor one made of names."
    )
    locale: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The language of e-mails: a BCP 47 tag such as `de` or `pt-BR`, up to 35 characters; defaults to that of"
            " `Accept-Language`."
        ),
    )


@described
@strawberry.input
class TokenAuthInput(SignInInput):
    """E-mail and password."""

    email: str = strawberry.field(description="The account's e-mail address; case is ignored.")
    password: str = strawberry.field(description="The password.")


@described
@strawberry.input
class ChangePasswordInput:
    """The current and the new password."""

    current_password: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The current password. Leave it out only if the account has none (`Account.hasPassword`).",
    )
    new_password: str = strawberry.field(description="The new password: see `authConfig.passwordPolicy`.")


@described
@strawberry.input
class RequestPasswordResetInput:
    """The address."""

    email: str = strawberry.field(description="The account's e-mail address; case is ignored.")
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The OAuth client whose front end the link opens; defaults to the first-party client.",
    )


@described
@strawberry.input(one_of=True)
class PasswordResetCredentialInput:
    """What was mailed: exactly one of these."""

    code: strawberry.Maybe[MailedCodeInput] = strawberry.field(
        description="The typed code, with the token of its MailedCode."
    )
    link_token: strawberry.Maybe[str] = strawberry.field(description="The token of the mailed link.")


@described
@strawberry.input
class ResetPasswordInput:
    """What was mailed, and a new password."""

    credential: PasswordResetCredentialInput = strawberry.field(description="The mailed code or link.")
    new_password: str = strawberry.field(description="The new password: see `authConfig.passwordPolicy`.")
