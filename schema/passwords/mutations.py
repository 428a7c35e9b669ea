"""Register, and sign in with a password."""

from typing import Annotated

import strawberry

from accounts.passwords import registration, sign_in
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.passwords.inputs import RegisterInput, TokenAuthInput
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
        PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED.
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
        account), INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED.
        """
        grant, delivery = admit(input, info)
        account, tokens = sign_in.token_auth(
            email=input.email, password=input.password, grant=grant, caller=info.context.caller
        )
        return delivery.signed_in(account, tokens)
