"""Confirms the holder of an account by an identity that is linked to it."""

from social_django.models import UserSocialAuth

from accounts.people.models import Account
from accounts.social import refusals
from accounts.social.credentials import CredentialKind
from accounts.social.errors import CredentialNotSupported
from accounts.social.identification import CREDENTIAL
from accounts.social.pipeline import PipelineBackend
from accounts.social.providers.registry import offered, provider_named
from accounts.social.verification import Identity, Presented, verify
from accounts.tokens.api import Bearer

FRESH = frozenset({CredentialKind.ID_TOKEN, CredentialKind.CODE})
"""What a provider issues for one use within minutes. An access token is as good hours later, to whoever copied it."""


def can_confirm(account: Account) -> bool:
    """Whether an identity is linked by whose provider the account can be confirmed."""
    providers = [provider.name for provider in offered() if FRESH.intersection(provider.kinds)]
    return bool(UserSocialAuth.objects.filter(user=account, provider__in=providers).exists())


def verified_identity(*, bearer: Bearer, provider: str, credential: Presented) -> Identity:
    """The identity that a fresh credential proves, presented by this account with this client (S70).

    Raises what `verify` raises; CredentialNotSupported for an access token.
    """
    if credential.kind not in FRESH:
        field = ("credential", credential.kind.value)
        provider_named(provider, field=field)
        raise CredentialNotSupported(field=field)
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
