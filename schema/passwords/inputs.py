"""Inputs for registration and sign-in with a password."""

import strawberry

from schema.language.described import described
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
        description="At least 12 characters unless the deployment sets another minimum; not a common password."
    )


@described
@strawberry.input
class TokenAuthInput(SignInInput):
    """E-mail and password."""

    email: str = strawberry.field(description="The account's e-mail address; case is ignored.")
    password: str = strawberry.field(description="The password.")
