"""Confirms the holder of an account by an identity that is linked to it."""

from social_django.models import UserSocialAuth

from accounts.people.models import Account
from accounts.social import refusals
from accounts.social.identification import CREDENTIAL
from accounts.social.pipeline import PipelineBackend
from accounts.social.verification import Identity, Presented, verify
from accounts.tokens.api import Bearer


def verified_identity(*, bearer: Bearer, provider: str, credential: Presented) -> Identity:
    """The identity that a credential proves, presented by this account with this client (S70).

    Raises what `verify` raises.
    """
    identity, _answer = verify(
        provider=provider, credential=credential, client=bearer.client_id, account=bearer.account
    )
    backend = PipelineBackend(identity.provider)
    if not backend.allows(identity.claims):
        raise refusals.rejected(backend.name, "not on the list of allowed addresses", field=CREDENTIAL)
    return identity


def is_linked(identity: Identity, *, account: Account) -> bool:
    """Whether the identity is linked to this account now."""
    linked = UserSocialAuth.objects.filter(provider=identity.provider, uid=identity.claims.sub, user=account)
    return bool(linked.exists())
