"""Confirm e-mail addresses."""

from functools import partial
from typing import Annotated

import strawberry

from accounts.passwords.forms import password_failures
from accounts.verification import confirmation, resending
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.request.context import ApiInfo
from schema.tokens.delivery import Delivery
from schema.tokens.payloads import AuthPayload
from schema.verification.inputs import (
    AnswerEmailVerificationChallengeInput,
    ResendVerificationInput,
    VerifyEmailInput,
)
from schema.verification.payloads import ResendVerificationPayload, VerifyEmailPayload


@strawberry.type
class VerificationMutations:
    """The mutations of this room."""

    @mutation(VerifyEmailPayload, Credential())
    def verify_email(
        self,
        info: ApiInfo,
        input: Annotated[VerifyEmailInput, strawberry.argument(description="The mailed link or code.")],
    ) -> VerifyEmailPayload:
        """Confirm the e-mail address with the mailed link or code. Signs nobody in.

        A link proves the mailbox, not who registered. Without the account's Bearer token or the `challengeToken` of its
        registration, it needs a new password, and what opened the account before ends: its password, sessions, linked
        accounts and pending steps.

        Codes: INVALID_CODE, EXPIRED_CODE, INVALID_CHALLENGE, REQUIRED (a new password is needed), INVALID_INPUT,
        PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON, PASSWORD_TOO_SIMILAR, PASSWORD_TOO_WEAK,
        RATE_LIMITED.
        """
        if input.code:
            account = confirmation.verify_by_code(
                code=input.code.value, bearer=info.context.signed_in(), caller=info.context.caller
            )
            return VerifyEmailPayload(account=account)  # type: ignore[arg-type]  # a row stands for its type
        if not input.link:
            raise TypeError("@oneOf has let none pass.")
        link, viewer = input.link.value, info.context.viewer
        account = confirmation.verify_by_link(
            token=link.token,
            challenge_token=link.challenge_token or None,
            new_password=link.new_password or None,
            bearer=info.context.bearer,
            password_failures=partial(password_failures, field=("link", "new_password")),
            caller=info.context.caller,
        )
        is_own = viewer is not None and viewer.pk == account.pk
        return VerifyEmailPayload(account=account if is_own else None)  # type: ignore[arg-type]

    @mutation(ResendVerificationPayload, Anonymous(), Credential())
    def resend_verification(
        self,
        info: ApiInfo,
        input: Annotated[ResendVerificationInput, strawberry.argument(description="The address.")],
    ) -> ResendVerificationPayload:
        """Mail the verification link and code again. The answer is the same whether or not there is anything to send.

        Codes: REQUIRED, INVALID_INPUT, INVALID_CLIENT, RATE_LIMITED.
        """
        resending.resend_verification(email=input.email, client_id=input.client_id or None, caller=info.context.caller)
        return ResendVerificationPayload()

    @mutation(AuthPayload, Anonymous(), Credential())
    def answer_email_verification_challenge(
        self,
        info: ApiInfo,
        input: Annotated[
            AnswerEmailVerificationChallengeInput, strawberry.argument(description="The challenge and the mailed code.")
        ],
    ) -> AuthPayload:
        """Confirm the address with the mailed code, and finish the sign-in that waited for it.

        Codes: INVALID_CHALLENGE, INVALID_CODE, EXPIRED_CODE, EMAIL_TAKEN, USERNAME_TAKEN, ACCOUNT_DISABLED,
        MFA_REQUIRED, MFA_ENROLLMENT_REQUIRED, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        waiting = confirmation.waiting_sign_in(input.challenge_token, caller=info.context.caller)
        delivery = Delivery.by(waiting.grant.transport, info)
        confirmed = confirmation.answer_challenge(waiting, code=input.code, caller=info.context.caller)
        return delivery.signed_in(confirmed.account, confirmed.tokens, is_new_account=confirmed.is_new_account)
