"""Inputs about second factors."""

import strawberry
from strawberry.scalars import JSON

from accounts.factors.webauthn import PasskeyPurpose
from accounts.mfa.answering import Factor, PasskeyAnswer, RecoveryCode, TotpCode
from schema.language.described import described


@described
@strawberry.input
class PasskeyAssertionInput:
    """What a passkey answered."""

    challenge_token: str = strawberry.field(description="The token of the PasskeyCeremony.")
    response: JSON = strawberry.field(
        description="`PublicKeyCredential.toJSON()` of what `navigator.credentials.get` returned."
    )

    def answer(self, purpose: PasskeyPurpose, *, bound_to: str) -> PasskeyAnswer:
        """The answer to a ceremony of this purpose that belongs to this session or challenge."""
        return PasskeyAnswer(token=self.challenge_token, response=self.response, purpose=purpose, bound_to=bound_to)


@described
@strawberry.input(one_of=True)
class MfaFactorInput:
    """A second factor: exactly one of these."""

    totp_code: strawberry.Maybe[str] = strawberry.field(
        description="A code of the authenticator app; works once. Spaces are ignored."
    )
    recovery_code: strawberry.Maybe[str] = strawberry.field(
        description="One of the recovery codes; works once. Case, spaces and dashes are ignored."
    )
    passkey: strawberry.Maybe[PasskeyAssertionInput] = strawberry.field(
        description="What a passkey answered to a ceremony of the purpose SECOND_FACTOR."
    )

    def factor(self, *, bound_to: str) -> Factor:
        """The factor, which answers the challenge with this digest."""
        if self.totp_code:
            return TotpCode(self.totp_code.value)
        if self.recovery_code:
            return RecoveryCode(self.recovery_code.value)
        if self.passkey:
            return self.passkey.value.answer(PasskeyPurpose.SECOND_FACTOR, bound_to=bound_to)
        raise TypeError("@oneOf has let none pass.")


@described
@strawberry.input
class AnswerMfaChallengeInput:
    """A challenge and one factor."""

    challenge_token: str = strawberry.field(description="The token of the MfaChallenge.")
    factor: MfaFactorInput = strawberry.field(description="The factor.")
    remember_browser: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Not to be asked for a second factor in this browser for a while: with the COOKIE transport, and where the"
            " service allows it. Otherwise it does nothing."
        ),
    )


@described
@strawberry.input
class AnswerMfaEnrollmentChallengeInput:
    """The challenge to finish."""

    challenge_token: str = strawberry.field(description="The token of the MfaEnrollmentChallenge.")


@described
@strawberry.input
class CreateTotpEnrollmentInput:
    """For whom an authenticator app is set up."""

    challenge_token: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The token of an MfaEnrollmentChallenge; omit it when signed in.",
    )


@described
@strawberry.input
class ConfirmTotpEnrollmentInput:
    """An enrollment and a code."""

    challenge_token: str = strawberry.field(description="The token of the TotpEnrollment.")
    code: str = strawberry.field(description="A code that the app shows. Spaces are ignored.")
