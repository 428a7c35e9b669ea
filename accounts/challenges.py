"""The steps between a first credential and the tokens.

A challenge's token is random, is used once, lives some minutes, can be tried some times, and belongs to the client,
scope and transport of the first call (S63). What the provider vouched for stays here: its credential is spent.
"""

import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from accounts import bearer_tokens, social
from accounts.bearer_tokens import ClientGrant
from accounts.conf import latchkey
from accounts.exceptions import InvalidChallenge, InvalidClient, InvalidScope
from accounts.models import Account, Challenge
from accounts.single_use import digest_of
from accounts.social import Claims, Identity, Incomplete, Profile, SignInMethod


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
    """The provider left something out."""

    token: str = field(repr=False)
    expires_in: int
    missing: tuple[str, ...]
    suggestion: Profile


def ask_to_link(identity: Identity, account: Account, grant: ClientGrant) -> LinkChallenge:
    """For the holder of an address that the provider has verified, and which is this account's."""
    return LinkChallenge(
        token=_create(Challenge.Kind.LINK, identity, grant, account=account),
        expires_in=latchkey().challenge_lifetime,
        provider=identity.provider,
        email=account.email,
        sign_in_methods=social.sign_in_methods(account),
    )


def ask_for_profile(identity: Identity, incomplete: Incomplete, grant: ClientGrant) -> ProfileChallenge:
    """For what the provider left out."""
    return ProfileChallenge(
        token=_create(Challenge.Kind.PROFILE, identity, grant),
        expires_in=latchkey().challenge_lifetime,
        missing=incomplete.missing,
        suggestion=incomplete.suggestion,
    )


def attempt(token: str, kind: Challenge.Kind) -> Challenge:
    """The challenge that waits for this token, one attempt poorer. Raises InvalidChallenge.

    Not to be called within a transaction: what undoes the answer must not give the attempt back.
    """
    digest = digest_of(token)
    waiting = Challenge.objects.filter(
        digest=digest, kind=kind, expires_at__gt=timezone.now(), attempts__lt=latchkey().challenge_attempts
    )
    if not waiting.update(attempts=F("attempts") + 1):
        raise _refused()
    challenge = Challenge.objects.select_related("client").filter(digest=digest).first()
    if challenge is None:
        raise _refused()
    return challenge


def finish(challenge: Challenge) -> None:
    """Use it up. Within the transaction of what it allows, so that of two answers one finds it gone.

    Raises InvalidChallenge.
    """
    deleted, _per_model = Challenge.objects.filter(pk=challenge.pk).delete()
    if not deleted:
        raise _refused()


def identity_of(challenge: Challenge) -> Identity:
    """What the provider vouched for."""
    return Identity(provider=challenge.provider, claims=Claims(**challenge.claims))


def grant_of(challenge: Challenge) -> ClientGrant:
    """What was asked for in the first call, if it is still allowed. Raises InvalidChallenge."""
    try:
        return bearer_tokens.renewed_grant(challenge.client, scope=challenge.scope, transport=challenge.transport)
    except (InvalidClient, InvalidScope):
        raise _refused() from None


def _create(kind: Challenge.Kind, identity: Identity, grant: ClientGrant, account: Account | None = None) -> str:
    token = secrets.token_urlsafe(32)
    Challenge.objects.create(
        digest=digest_of(token),
        kind=kind,
        client=grant.client,
        scope=" ".join(grant.scopes),
        transport=grant.transport,
        account=account,
        provider=identity.provider,
        claims=asdict(identity.claims),
        expires_at=timezone.now() + timedelta(seconds=latchkey().challenge_lifetime),
    )
    return token


def _refused() -> InvalidChallenge:
    return InvalidChallenge(field=("challenge_token",))
