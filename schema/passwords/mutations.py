"""Register, sign in with a password, and change it or choose another."""

from typing import Annotated

import strawberry

from accounts.passwords import change, registration, reset, securing, sign_in
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.mails.types import MailedCode, MailedTokenInput
from schema.passwords.inputs import (
    ChangePasswordInput,
    RegisterInput,
    RequestPasswordResetInput,
    ResetPasswordInput,
    TokenAuthInput,
)
from schema.passwords.payloads import (
    ChangePasswordPayload,
    RequestPasswordResetPayload,
    ResetPasswordPayload,
    SecureAccountPayload,
)
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
        """Create an account and sign it in at once. Reports the errors of all fields together.

        If e-mail verification is mandatory, it answers with an EmailVerificationChallenge instead, which looks the same
        for new and taken addresses.

        Codes: REQUIRED, TOO_LONG, INVALID_INPUT, EMAIL_TAKEN, USERNAME_TAKEN, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG,
        PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, PASSWORD_TOO_WEAK, EMAIL_VERIFICATION_REQUIRED, REGISTRATION_CLOSED,
        INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        grant, delivery = admit(input, info)
        account, tokens = registration.register(
            email=input.email,
            username=input.username,
            first_name=input.first_name,
            last_name=input.last_name or "",
            password=input.password,
            locale=input.locale or "",
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
        account, and an unverified one if e-mail verification is mandatory), MFA_REQUIRED, MFA_ENROLLMENT_REQUIRED,
        EMAIL_VERIFICATION_REQUIRED (before a second factor can be set up), INVALID_CLIENT, INVALID_SCOPE,
        TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
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
        `reauthenticate` instead of the current password. With a second factor on, the session needs a recent one too.

        Codes: INVALID_CREDENTIALS (the current password is wrong), REAUTHENTICATION_REQUIRED (no password yet, or a
        second factor is on), REQUIRED, INVALID_INPUT, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON,
        PASSWORD_TOO_SIMILAR, PASSWORD_TOO_WEAK, RATE_LIMITED.
        """
        account = change.change_password(
            bearer=info.context.signed_in(),
            current=input.current_password or None,
            new=input.new_password,
            caller=info.context.caller,
        )
        return ChangePasswordPayload(account=account)  # type: ignore[arg-type]  # a row stands for its type

    @mutation(RequestPasswordResetPayload, Anonymous(), Credential())
    def request_password_reset(
        self,
        info: ApiInfo,
        input: Annotated[RequestPasswordResetInput, strawberry.argument(description="The address.")],
    ) -> RequestPasswordResetPayload:
        """Mail a link and a code for choosing a new password, or the first one.

        The answer is the same for known and unknown addresses.

        Codes: REQUIRED, INVALID_INPUT, INVALID_CLIENT, RATE_LIMITED.
        """
        requested = reset.request_password_reset(
            email=input.email, client_id=input.client_id or None, caller=info.context.caller
        )
        return RequestPasswordResetPayload(mailed_code=MailedCode.of(requested))

    @mutation(ResetPasswordPayload, Anonymous(), Credential())
    def reset_password(
        self,
        info: ApiInfo,
        input: Annotated[ResetPasswordInput, strawberry.argument(description="What was mailed, and a new password.")],
    ) -> ResetPasswordPayload:
        """Choose a password with the mailed code or link.

        Ends every session of the account and signs nobody in. A password that is refused does not use up the code.

        Codes: INVALID_CODE, EXPIRED_CODE, REQUIRED, INVALID_INPUT, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG,
        PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, PASSWORD_TOO_WEAK, RATE_LIMITED.
        """
        code, link, caller = input.credential.code, input.credential.link_token, info.context.caller
        if code:
            reset.reset_by_code(
                challenge_token=code.value.challenge_token,
                typed=code.value.code,
                new=input.new_password,
                caller=caller,
            )
        else:
            reset.reset_by_link(token=link.value if link else "", new=input.new_password, caller=caller)
        return ResetPasswordPayload()

    @mutation(SecureAccountPayload, Anonymous(), Credential())
    def secure_account(
        self,
        info: ApiInfo,
        input: Annotated[MailedTokenInput, strawberry.argument(description="The link's token.")],
    ) -> SecureAccountPayload:
        """Say "this was not me", with the token of a mailed notice.

        Ends every session of the account, removes its password and the social accounts that were linked lately, and
        mails its verified address a link for choosing a new password. Cancels a deletion in its grace period.

        Codes: INVALID_CODE, EXPIRED_CODE, RATE_LIMITED.
        """
        securing.secure_account(token=input.token, caller=info.context.caller)
        return SecureAccountPayload()
