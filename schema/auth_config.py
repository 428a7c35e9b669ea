"""The type AuthConfig, composed of what the rooms offer."""

from typing import Self

import strawberry

from accounts.conf import latchkey
from accounts.factors.webauthn import rp_id
from accounts.social import api as social
from schema.language.described import described
from schema.language.directives import Anonymous
from schema.passwords.types import PasswordPolicy
from schema.social.types import SignInMethod, SocialProvider
from schema.verification.types import EmailVerificationPolicy


@described
@strawberry.type
class AuthConfig:
    """What this service offers, for rendering sign-in and sign-up pages."""

    registration_open: bool = strawberry.field(description="Whether new accounts can be created.")
    email_verification: EmailVerificationPolicy = strawberry.field(description="What e-mail verification means here.")
    sign_in_methods: list[SignInMethod] = strawberry.field(description="The enabled first factors.")
    password_policy: PasswordPolicy = strawberry.field(description="The rules for new passwords.")
    social_providers: list[SocialProvider] = strawberry.field(description="The enabled providers, in display order.")
    remember_browser_days: int | None = strawberry.field(
        description=(
            "For how many days `rememberBrowser` of `answerMfaChallenge` makes a browser sign in without a second"
            " factor; `null` if this service always asks."
        )
    )

    @classmethod
    def now(cls) -> Self:
        """The offer according to the settings."""
        providers = [SocialProvider.of(provider) for provider in social.offered()]
        own = latchkey()
        methods = {
            SignInMethod.PASSWORD: True,
            SignInMethod.SOCIAL: bool(providers),
            SignInMethod.EMAIL_CODE: own.sign_in_by_mail,
            SignInMethod.PASSKEY: bool(rp_id()),
        }
        return cls(
            registration_open=own.registration_open,
            email_verification=EmailVerificationPolicy(own.email_verification.value),
            sign_in_methods=[method for method, is_on in methods.items() if is_on],
            password_policy=PasswordPolicy.now(),
            social_providers=providers,
            remember_browser_days=own.mfa_remember_days or None,
        )


@strawberry.type
class AuthConfigQueries:
    """`authConfig`."""

    @described
    @strawberry.field(directives=[Anonymous()])
    def auth_config(self) -> AuthConfig:
        """What a front end needs to render its sign-in and sign-up pages. The same for everyone; holds no secret."""
        return AuthConfig.now()
