"""The type AuthConfig, composed of what the rooms offer."""

from typing import Self

import strawberry

from accounts.social import api as social
from schema.language.described import described
from schema.language.directives import Anonymous
from schema.passwords.types import PasswordPolicy
from schema.social.types import SignInMethod, SocialProvider


@described
@strawberry.type
class AuthConfig:
    """What this service offers, for rendering sign-in and sign-up pages."""

    sign_in_methods: list[SignInMethod] = strawberry.field(description="The enabled first factors.")
    password_policy: PasswordPolicy = strawberry.field(description="The rules for new passwords.")
    social_providers: list[SocialProvider] = strawberry.field(description="The enabled providers, in display order.")

    @classmethod
    def now(cls) -> Self:
        """The offer according to the settings."""
        providers = [SocialProvider.of(provider) for provider in social.offered()]
        methods = [SignInMethod.PASSWORD, *([SignInMethod.SOCIAL] if providers else [])]
        return cls(sign_in_methods=methods, password_policy=PasswordPolicy.now(), social_providers=providers)


@strawberry.type
class AuthConfigQueries:
    """`authConfig`."""

    @described
    @strawberry.field(directives=[Anonymous()])
    def auth_config(self) -> AuthConfig:
        """What a front end needs to render its sign-in and sign-up pages. The same for everyone; holds no secret."""
        return AuthConfig.now()
