"""Register, sign in with a password, and change it."""

from typing import Annotated

import strawberry

from accounts.passwords import change, registration, sign_in
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.passwords.inputs import ChangePasswordInput, RegisterInput, TokenAuthInput
from schema.passwords.payloads import ChangePasswordPayload
from schema.request.context import ApiInfo
from schema.tokens.delivery import admit
from schema.tokens.payloads import AuthPayload


@strawberry.type
class PasswordMutations:
    """The mutations of this room."""

    @mutation(AuthPayload, Anonymous(), Credential())
    def register(
        self,
        info: ApiInfo,
        input: Annotated[RegisterInput, strawberry.argument(description="The new account.")],
    ) -> AuthPayload:
        """Create an account and sign it in at once.

        Reports the errors of all fields together.

        Codes: REQUIRED, TOO_LONG, INVALID_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG,
        PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        grant, delivery = admit(input, info)
        account, tokens = registration.register(
            email=input.email,
            username=input.username,
            first_name=input.first_name,
            last_name=input.last_name or "",
            password=input.password,
            grant=grant,
            caller=info.context.caller,
        )
        return delivery.signed_in(account, tokens, is_new_account=True)

    @mutation(AuthPayload, Anonymous(), Credential())
    def token_auth(
        self,
        info: ApiInfo,
        input: Annotated[TokenAuthInput, strawberry.argument(description="The credentials.")],
    ) -> AuthPayload:
        """Sign in with e-mail and password.

        Codes: INVALID_CREDENTIALS (the same for an unknown e-mail, a wrong password, a disabled or a social-only
        account), INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        grant, delivery = admit(input, info)
        account, tokens = sign_in.token_auth(
            email=input.email, password=input.password, grant=grant, caller=info.context.caller
        )
        return delivery.signed_in(account, tokens)

    @mutation(ChangePasswordPayload, Credential())
    def change_password(
        self,
        info: ApiInfo,
        input: Annotated[ChangePasswordInput, strawberry.argument(description="The current and the new password.")],
    ) -> ChangePasswordPayload:
        """Change the password, or set the first one, and end every other session.

        The current session continues with its tokens. An account without a password needs a recent sign-in or
        `reauthenticate` instead of the current password.

        Codes: INVALID_CREDENTIALS (the current password is wrong), REAUTHENTICATION_REQUIRED (no password yet),
        REQUIRED, INVALID_INPUT, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR,
        RATE_LIMITED.
        """
        account = change.change_password(
            bearer=info.context.signed_in(),
            current=input.current_password or None,
            new=input.new_password,
            caller=info.context.caller,
        )
        return ChangePasswordPayload(account=account)  # type: ignore[arg-type]  # a row stands for its type
