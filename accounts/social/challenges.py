"""The two steps that a sign-in through a provider can need: link the identity, or complete the profile."""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q
from social_django.models import UserSocialAuth

from accounts.challenges import steps as challenges
from accounts.challenges.models import Challenge
from accounts.conf import latchkey
from accounts.people.models import Account
from accounts.social.claims import Claims
from accounts.social.links import SignInMethod, sign_in_methods
from accounts.social.sign_up import Incomplete, Profile
from accounts.social.verification import Identity
from accounts.tokens.api import ClientGrant

LINK, PROFILE = "LINK", "PROFILE"
"""The kinds of these challenges."""


@dataclass(frozen=True, kw_only=True)
class LinkChallenge:
    """An account with the provider's address exists: sign in to it another way, then link."""

    token: str = field(repr=False)
    expires_in: int
    provider: str
    email: str
    sign_in_methods: list[SignInMethod]


@dataclass(frozen=True, kw_only=True)
class ProfileChallenge:
    """The provider left out fields that an account needs."""

    token: str = field(repr=False)
    expires_in: int
    missing: tuple[str, ...]
    suggestion: Profile


@transaction.atomic
def ask_to_link(identity: Identity, account: Account, grant: ClientGrant) -> LinkChallenge | None:
    """Asks the holder of a provider-verified address to sign in to the account that has it; None if it is gone."""
    # Locked, so that it is not deleted before its challenge is stored.
    if not Account.objects.select_for_update(no_key=True).filter(pk=account.pk).first():
        return None
    return LinkChallenge(
        token=challenges.create(LINK, grant=grant, data=asdict(identity), account=account),
        expires_in=latchkey().challenge_lifetime,
        provider=identity.provider,
        email=account.email,
        sign_in_methods=sign_in_methods(account),
    )


def ask_for_profile(identity: Identity, incomplete: Incomplete, grant: ClientGrant) -> ProfileChallenge:
    """Asks for the fields that the provider left out."""
    return ProfileChallenge(
        token=challenges.create(PROFILE, grant=grant, data=asdict(identity)),
        expires_in=latchkey().challenge_lifetime,
        missing=incomplete.missing,
        suggestion=incomplete.suggestion,
    )


def identity_of(challenge: Challenge) -> Identity:
    """The identity that the provider vouched for."""
    return identity_in(challenge.data)


def identity_in(data: dict[str, Any]) -> Identity:
    """The identity that `asdict` made this data of."""
    return Identity(
        provider=data["provider"],
        claims=Claims(**data["claims"]),
        # An earlier release has stored none.
        second_factor=data.get("second_factor", False),
    )


def forget(account: Account) -> None:
    """Delete the challenges of an account that is about to go: those for it, of its identities and with its address."""
    about = Q(account=account) | Q(data__claims__email=account.email)
    for row in UserSocialAuth.objects.filter(user=account):
        about |= Q(data__provider=row.provider, data__claims__sub=row.uid)
    Challenge.objects.filter(about).delete()
