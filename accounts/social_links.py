"""Add and remove a signed-in account's ways to sign in through providers."""

import uuid

from django.db import transaction

from accounts import challenges, social
from accounts.exceptions import AccountsError, InvalidChallenge, ProviderUnknown
from accounts.models import Account, Challenge
from accounts.signals import social_signed_in
from accounts.social import LinkedIdentity, Presented

FRESH = ("source", "credential")
TICKET = ("source",)


def link_by_credential(*, account: Account, client_id: int, provider: str, credential: Presented) -> LinkedIdentity:
    """Link what a fresh credential proves. Raises what `social.verify` raises, and AlreadyLinked."""
    try:
        identity, answer = social.verify(provider=provider, credential=credential, client=client_id, account=account)
        linked = LinkedIdentity.of(social.link(identity, account=account))
    except AccountsError as error:
        raise error.below(*FRESH) from None
    social_signed_in.send_robust(sender=Account, account=account, provider=identity.provider, answer=answer)
    return linked


def link_by_challenge(*, account: Account, client_id: int, challenge_token: str) -> LinkedIdentity:
    """Link what a LinkChallenge waits with: for the account and the client that it was made for, and no other (S70).

    Raises InvalidChallenge, AlreadyLinked.
    """
    try:
        challenge = challenges.attempt(challenge_token, Challenge.Kind.LINK)
        if challenge.account_id != account.pk or challenge.client_id != client_id:
            raise InvalidChallenge(field=("challenge_token",))
        with transaction.atomic():
            challenges.finish(challenge)
            return LinkedIdentity.of(social.link(challenges.identity_of(challenge), account=account))
    except ProviderUnknown:
        raise InvalidChallenge(field=(*TICKET, "challenge_token")) from None
    except AccountsError as error:
        raise error.below(*TICKET) from None


def unlink(*, account: Account, identity: uuid.UUID) -> None:
    """Remove one. Raises NotFound, also for what is somebody else's; LastSignInMethod."""
    social.unlink(identity, account=account)
