"""The two steps that a sign-in through a provider can need."""

import enum
from typing import Self

import strawberry

from accounts.social import challenges
from schema.challenges.types import AuthChallenge, challenge_of
from schema.language.described import described
from schema.social.types import SignInMethod


@described
@strawberry.enum
class ProfileField(enum.Enum):
    """A field of an account that a provider may not return."""

    EMAIL = strawberry.enum_value("email", description="The e-mail address.")
    USERNAME = strawberry.enum_value("username", description="The username.")
    FIRST_NAME = strawberry.enum_value("first_name", description="The given name.")
    LAST_NAME = strawberry.enum_value("last_name", description="The family name.")


@described
@strawberry.type
class ProfileSuggestion:
    """What the provider returned about the person."""

    email: str | None = strawberry.field(description="E-mail address.")
    username: str | None = strawberry.field(description="A free username.")
    first_name: str | None = strawberry.field(description="Given name.")
    last_name: str | None = strawberry.field(description="Family name.")


@described
@strawberry.type
class ProfileChallenge(AuthChallenge):
    """The provider left out data that an account needs. Answer with `answerProfileChallenge`."""

    token: str = strawberry.field(description="Send it back as `challengeToken`.")
    missing: list[ProfileField] = strawberry.field(description="The fields to ask for.")
    suggestion: ProfileSuggestion = strawberry.field(description="What the provider returned, to prefill the form.")

    @classmethod
    def of(cls, challenge: challenges.ProfileChallenge) -> Self:
        """Map the domain's challenge."""
        profile = challenge.suggestion
        return cls(
            token=challenge.token,
            expires_in=challenge.expires_in,
            missing=[ProfileField(name) for name in challenge.missing],
            suggestion=ProfileSuggestion(
                email=profile.email or None,
                username=profile.username or None,
                first_name=profile.first_name or None,
                last_name=profile.last_name or None,
            ),
        )


@described
@strawberry.type
class LinkChallenge(AuthChallenge):
    """An account with the provider's e-mail address exists.

    Sign in to it another way, then call `linkSocialAccount` with this token; the provider's credential is not needed
    again.
    """

    token: str = strawberry.field(
        description=("Send it to `linkSocialAccount` as `challengeToken`. Works for this account only.")
    )
    provider: str = strawberry.field(description="The provider of this sign-in.")
    email: str = strawberry.field(description="The e-mail address that the provider verified.")
    sign_in_methods: list[SignInMethod] = strawberry.field(description="The sign-in methods of that account.")

    @classmethod
    def of(cls, challenge: challenges.LinkChallenge) -> Self:
        """Map the domain's challenge."""
        return cls(
            token=challenge.token,
            expires_in=challenge.expires_in,
            provider=challenge.provider,
            email=challenge.email,
            sign_in_methods=[SignInMethod[method.name] for method in challenge.sign_in_methods],
        )


challenge_of.register(challenges.ProfileChallenge, ProfileChallenge.of)

challenge_of.register(challenges.LinkChallenge, LinkChallenge.of)
