"""Add and remove a signed-in account's ways to sign in through providers."""

import uuid

from django.db import transaction

from accounts import bearer_tokens, challenges, social
from accounts.bearer_tokens import Bearer
from accounts.exceptions import AccountsError, InvalidChallenge, ProviderRejected, ProviderUnknown
from accounts.models import Account, Challenge
from accounts.signals import social_signed_in
from accounts.social import LinkedIdentity, Presented

FRESH = ("source", "credential")
TICKET = ("source",)


def link_by_credential(*, bearer: Bearer, provider: str, credential: Presented) -> LinkedIdentity:
    """Link what a fresh credential proves. Raises what `social.verify` raises, AlreadyLinked; InvalidToken."""
    try:
        identity, answer = social.verify(
            provider=provider, credential=credential, client=bearer.client_id, account=bearer.account
        )
        with transaction.atomic():
            linked = LinkedIdentity.of(social.link(identity, account=bearer_tokens.locked_account(bearer)))
    except AccountsError as error:
        raise error.below(*FRESH) from None
    social_signed_in.send_robust(sender=Account, account=bearer.account, provider=identity.provider, answer=answer)
    return linked


def link_by_challenge(*, bearer: Bearer, challenge_token: str) -> LinkedIdentity:
    """Link what a LinkChallenge waits with: for the account and the client that it was made for, and no other (S70).

    Raises InvalidChallenge, AlreadyLinked; InvalidToken.
    """
    try:
        challenge = challenges.attempt(challenge_token, Challenge.Kind.LINK)
        if challenge.account_id != bearer.account.pk or challenge.client_id != bearer.client_id:
            raise InvalidChallenge(field=("challenge_token",))
        with transaction.atomic():
            account = bearer_tokens.locked_account(bearer)
            challenges.finish(challenge)
            return LinkedIdentity.of(social.link(challenges.identity_of(challenge), account=account))
    except (ProviderUnknown, ProviderRejected):
        # Switched off, or not for this person any more.
        raise InvalidChallenge(field=(*TICKET, "challenge_token")) from None
    except AccountsError as error:
        raise error.below(*TICKET) from None


@transaction.atomic
def unlink(*, bearer: Bearer, identity: uuid.UUID) -> None:
    """Remove one. Raises NotFound, also for what is somebody else's; LastSignInMethod; InvalidToken."""
    social.unlink(identity, account=bearer_tokens.locked_account(bearer))
