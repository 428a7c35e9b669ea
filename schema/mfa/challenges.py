"""The steps of a sign-in that concern a second factor."""

import enum
from typing import Self

import strawberry

from accounts.mfa import challenges
from schema.challenges.types import AuthChallenge, challenge_of
from schema.language.described import described


@described
@strawberry.enum
class MfaMethod(enum.Enum):
    """A second factor."""

    TOTP = strawberry.enum_value("TOTP", description="A code of an authenticator app.")
    RECOVERY_CODE = strawberry.enum_value("RECOVERY_CODE", description="One of the recovery codes.")
    PASSKEY = strawberry.enum_value("PASSKEY", description="A passkey or security key.")


@described
@strawberry.type
class MfaChallenge(AuthChallenge):
    """A second factor is needed. Answer with `answerMfaChallenge`."""

    token: str = strawberry.field(description="Send it back as `challengeToken`.")
    methods: list[MfaMethod] = strawberry.field(description="The factors that this account has set up.")

    @classmethod
    def of(cls, challenge: challenges.MfaChallenge) -> Self:
        """Map the domain's challenge."""
        methods = [MfaMethod[method.name] for method in challenge.methods]
        return cls(token=challenge.token, expires_in=challenge.expires_in, methods=methods)


@described
@strawberry.type
class MfaEnrollmentChallenge(AuthChallenge):
    """A second factor must be set up first.

    Set one up with this token in place of the Bearer token, then call `answerMfaEnrollmentChallenge`.
    """

    token: str = strawberry.field(description="Send it back as `challengeToken`.")
    methods: list[MfaMethod] = strawberry.field(description="The factors that can be set up.")

    @classmethod
    def of(cls, challenge: challenges.MfaEnrollmentChallenge) -> Self:
        """Map the domain's challenge."""
        methods = [MfaMethod[method.name] for method in challenge.methods]
        return cls(token=challenge.token, expires_in=challenge.expires_in, methods=methods)


challenge_of.register(challenges.MfaChallenge, MfaChallenge.of)
challenge_of.register(challenges.MfaEnrollmentChallenge, MfaEnrollmentChallenge.of)
