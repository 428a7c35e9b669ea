"""Types about second factors."""

from typing import Self

import strawberry
import strawberry_django

from accounts.factors.state import factors_of
from accounts.mfa import authenticator_app
from accounts.people import models
from schema.language.described import described
from schema.mfa.challenges import MfaMethod


@described
@strawberry.type
class TotpEnrollment:
    """An authenticator app that is being set up."""

    token: str = strawberry.field(description="Send it back as `challengeToken`, together with a code of the app.")
    expires_in: int = strawberry.field(description="Seconds until it expires.")
    secret: str = strawberry.field(description="The secret in Base32, to be typed into the app.")
    uri: str = strawberry.field(
        description="The `otpauth:` URI for a QR code. Draw it on the device: it holds the secret."
    )

    @classmethod
    def of(cls, enrollment: authenticator_app.Enrollment) -> Self:
        """Map the domain's answer."""
        return cls(
            token=enrollment.token, expires_in=enrollment.expires_in, secret=enrollment.secret, uri=enrollment.uri
        )


@described
@strawberry.type
class MfaStatus:
    """Second factors of an account."""

    enabled: bool = strawberry.field(
        description=(
            "Whether signing in asks for a second factor: with an authenticator app; or with a passkey, where the"
            " service requires a second factor."
        )
    )
    methods: list[MfaMethod] = strawberry.field(description="What is set up.")
    recovery_codes_remaining: int = strawberry.field(description="How many recovery codes are left.")


@strawberry.type
class MfaFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def mfa(root: models.Account) -> MfaStatus:  # noqa: N805 - a row
        """Second factors."""
        factors = factors_of(root)
        return MfaStatus(
            enabled=factors.enabled,
            methods=[MfaMethod[method.name] for method in factors.set_up],
            recovery_codes_remaining=factors.recovery_codes,
        )
