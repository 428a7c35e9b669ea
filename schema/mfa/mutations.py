"""Second factors: show one to sign in, set one up, switch it off."""

from typing import Annotated

import strawberry

from accounts.mfa import authenticator_app, recovery_codes, sign_in
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.mfa.inputs import (
    AnswerMfaChallengeInput,
    AnswerMfaEnrollmentChallengeInput,
    ConfirmTotpEnrollmentInput,
    CreateTotpEnrollmentInput,
)
from schema.mfa.payloads import (
    ConfirmTotpEnrollmentPayload,
    CreateTotpEnrollmentPayload,
    DisableTotpPayload,
    RegenerateRecoveryCodesPayload,
)
from schema.mfa.types import TotpEnrollment
from schema.request.context import ApiInfo
from schema.tokens.delivery import Delivery
from schema.tokens.payloads import AuthPayload


@strawberry.type
class MfaMutations:
    """The mutations of this room."""

    @mutation(AuthPayload, Anonymous(), Credential())
    def answer_mfa_challenge(
        self,
        info: ApiInfo,
        input: Annotated[AnswerMfaChallengeInput, strawberry.argument(description="The challenge and one factor.")],
    ) -> AuthPayload:
        """Show the second factor, and finish the sign-in that waited for it.

        Codes: INVALID_CHALLENGE, INVALID_CODE, PASSKEY_REJECTED, EMAIL_VERIFICATION_REQUIRED, ACCOUNT_DISABLED,
        TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        waiting = sign_in.mfa_challenge(input.challenge_token, caller=info.context.caller)
        delivery = Delivery.by(waiting.grant.transport, info)
        factor = input.factor.factor(bound_to=waiting.challenge.digest)
        signed_in = sign_in.answer_mfa_challenge(
            waiting, factor=factor, remember_browser=bool(input.remember_browser), caller=info.context.caller
        )
        return delivery.signed_in(signed_in.account, signed_in.tokens, is_new_account=signed_in.is_new_account)

    @mutation(AuthPayload, Anonymous(), Credential())
    def answer_mfa_enrollment_challenge(
        self,
        info: ApiInfo,
        input: Annotated[AnswerMfaEnrollmentChallengeInput, strawberry.argument(description="The challenge.")],
    ) -> AuthPayload:
        """Finish the sign-in that waited until a second factor was set up with the token of this challenge.

        Codes: INVALID_CHALLENGE, MFA_NOT_ENABLED, ACCOUNT_DISABLED, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        waiting = sign_in.enrollment_challenge(input.challenge_token, caller=info.context.caller)
        delivery = Delivery.by(waiting.grant.transport, info)
        signed_in = sign_in.answer_enrollment_challenge(waiting, caller=info.context.caller)
        return delivery.signed_in(signed_in.account, signed_in.tokens, is_new_account=signed_in.is_new_account)

    @mutation(CreateTotpEnrollmentPayload, Credential())
    def create_totp_enrollment(
        self,
        info: ApiInfo,
        input: Annotated[
            CreateTotpEnrollmentInput | None, strawberry.argument(description="Omit it when signed in.")
        ] = strawberry.UNSET,
    ) -> CreateTotpEnrollmentPayload:
        """Begin to set up an authenticator app. It counts only after `confirmTotpEnrollment`.

        It is for the signed-in account, whose address must be verified, or for that of an MfaEnrollmentChallenge.

        Codes: REAUTHENTICATION_REQUIRED, EMAIL_VERIFICATION_REQUIRED, ALREADY_ENABLED, INVALID_CHALLENGE, RATE_LIMITED.
        """
        token = (input and input.challenge_token) or ""
        enrollment = authenticator_app.begin_enrollment(
            bearer=None if token else info.context.signed_in(), challenge_token=token, caller=info.context.caller
        )
        return CreateTotpEnrollmentPayload(enrollment=TotpEnrollment.of(enrollment))

    @mutation(ConfirmTotpEnrollmentPayload, Credential())
    def confirm_totp_enrollment(
        self,
        info: ApiInfo,
        input: Annotated[ConfirmTotpEnrollmentInput, strawberry.argument(description="The enrollment and a code.")],
    ) -> ConfirmTotpEnrollmentPayload:
        """Finish setting up the authenticator app with a code that it shows. The holder is mailed.

        Codes: REAUTHENTICATION_REQUIRED, EMAIL_VERIFICATION_REQUIRED, INVALID_CHALLENGE, INVALID_CODE, RATE_LIMITED.
        """
        set_up = authenticator_app.confirm_enrollment(
            bearer=info.context.bearer,
            token=input.challenge_token,
            code=input.code,
            caller=info.context.caller,
        )
        viewer = info.context.viewer
        is_own = viewer is not None and viewer.pk == set_up.account.pk
        return ConfirmTotpEnrollmentPayload(
            recovery_codes=set_up.recovery_codes,
            account=set_up.account if is_own else None,  # type: ignore[arg-type]  # a row stands for its type
        )

    @mutation(DisableTotpPayload)
    def disable_totp(self, info: ApiInfo) -> DisableTotpPayload:
        """Switch the authenticator app off. Succeeds if there is none. The holder is mailed.

        Recovery codes go with the last factor.

        Codes: REAUTHENTICATION_REQUIRED.
        """
        account = authenticator_app.disable(bearer=info.context.signed_in(), caller=info.context.caller)
        return DisableTotpPayload(account=account)  # type: ignore[arg-type]

    @mutation(RegenerateRecoveryCodesPayload)
    def regenerate_recovery_codes(self, info: ApiInfo) -> RegenerateRecoveryCodesPayload:
        """Replace all recovery codes. The holder is mailed.

        Codes: REAUTHENTICATION_REQUIRED, MFA_NOT_ENABLED.
        """
        made = recovery_codes.regenerate(bearer=info.context.signed_in(), caller=info.context.caller)
        return RegenerateRecoveryCodesPayload(
            recovery_codes=made.recovery_codes,
            account=made.account,  # type: ignore[arg-type]
        )
