"""Sign in, or up, through a provider."""

from dataclasses import dataclass, replace

from django.db import transaction

from accounts import bearer_tokens, challenges, social
from accounts.bearer_tokens import Bearer, ClientGrant, TokenSet
from accounts.caller import Caller
from accounts.conf import latchkey
from accounts.exceptions import (
    CredentialNotSupported,
    InvalidChallenge,
    InvalidClient,
    LinkRequired,
    ProfileRequired,
    ProviderRejected,
    ProviderUnknown,
    RedirectUriNotAllowed,
    TransportNotAllowed,
)
from accounts.models import Account, Challenge, RefreshTokenTransport
from accounts.signals import social_signed_in
from accounts.social import AddressTaken, CredentialKind, Identified, Identity, Incomplete, Presented, Profile

LONGEST_HINT = 254


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The outcome of a sign-in through a provider."""

    account: Account
    tokens: TokenSet
    is_new_account: bool
    transport: RefreshTokenTransport


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """A redirect to a provider that was prepared; the duration is in seconds."""

    url: str
    flow: str
    expires_in: int


def create_social_auth_url(
    *, provider: str, redirect_uri: str, login_hint: str, client_id: str | None, bearer: Bearer | None
) -> Authorization:
    """Where to send the browser. Begun signed in, the flow links, for the same client; else it signs in (S70).

    Raises ProviderUnknown, CredentialNotSupported, ProviderUnavailable, RedirectUriNotAllowed, InvalidClient.
    """
    backend = social.backend_for(provider)
    client = bearer_tokens.known_client(client_id or (bearer.client_name if bearer else None))
    if bearer and bearer.client_id != client.pk:
        raise InvalidClient(field=("client_id",), hint="client: not that of the Bearer token")
    if CredentialKind.CODE not in backend.kinds:
        raise CredentialNotSupported(field=("provider",))
    # Letter for letter: what looks almost like it may be an attacker's page (RFC 9700 §2.1).
    if redirect_uri not in client.redirect_uris.split():
        raise RedirectUriNotAllowed(field=("redirect_uri",))
    flow = social.Flow.begin(
        provider=backend.name,
        redirect_uri=redirect_uri,
        client_id=client.pk,
        account_id=str(bearer.account.pk) if bearer else "",
    )
    url = backend.authorization_url(
        redirect_uri=redirect_uri,
        state=flow.state,
        nonce=flow.nonce,
        code_challenge=flow.code_challenge,
        hint=login_hint if len(login_hint) <= LONGEST_HINT else "",
    )
    return Authorization(url=url, flow=str(flow), expires_in=latchkey().social_flow_lifetime)


def create_social_nonce(*, provider: str) -> tuple[str, int]:
    """A nonce for the provider's SDK, and for how many seconds it is good. Raises ProviderUnknown."""
    return social.create_nonce(social.backend_for(provider).name), latchkey().social_flow_lifetime


def convert_social_token(
    *, provider: str, credential: Presented, hints: Profile, grant: ClientGrant, caller: Caller
) -> Converted:
    """Trade a provider's credential for our tokens.

    Raises what `social.verify` raises, AccountDisabled, and LinkRequired or ProfileRequired with a challenge.
    """
    identity, answer = social.verify(provider=provider, credential=credential, client=grant.client.pk)
    try:
        identified = social.identify(identity, profile=hints)
    except (AddressTaken, Incomplete) as more:
        raise _challenge(more, identity, grant) from None
    converted = _signed_in(identified, grant, caller)
    social_signed_in.send_robust(sender=Account, account=converted.account, provider=identity.provider, answer=answer)
    return converted


def answer_profile_challenge(
    *, challenge_token: str, profile: Profile, cookie_allowed: bool, caller: Caller
) -> Converted:
    """Finish a sign-in with what the provider left out, for the client of the first call and as it asked.

    Raises InvalidChallenge, TransportNotAllowed, AccountDisabled, LinkRequired; ValidationFailed, after which the
    challenge can be answered again.
    """
    challenge = challenges.attempt(challenge_token, Challenge.Kind.PROFILE)
    grant = challenges.grant_of(challenge)
    if grant.transport == RefreshTokenTransport.COOKIE and not cookie_allowed:
        raise TransportNotAllowed
    identity = challenges.identity_of(challenge)
    try:
        with transaction.atomic():
            challenges.finish(challenge)
            identified = social.identify(identity, profile=profile, answered=True)
            # Nobody has shown the client's secret here: whom it says to ask for does not count (S64).
            return _signed_in(identified, grant, replace(caller, end_user=None))
    except AddressTaken as taken:
        raise _challenge(taken, identity, grant) from None
    except (ProviderUnknown, ProviderRejected):
        # Switched off in the meantime, or not for this person any more.
        raise InvalidChallenge(field=("challenge_token",)) from None


def _signed_in(identified: Identified, grant: ClientGrant, caller: Caller) -> Converted:
    return Converted(
        account=identified.account,
        tokens=bearer_tokens.issue(account=identified.account, grant=grant, caller=caller),
        is_new_account=identified.is_new,
        transport=grant.transport,
    )


def _challenge(
    more: AddressTaken | Incomplete, identity: Identity, grant: ClientGrant
) -> LinkRequired | ProfileRequired:
    """To be raised."""
    if isinstance(more, Incomplete):
        return ProfileRequired(challenges.ask_for_profile(identity, more, grant))
    return LinkRequired(challenges.ask_to_link(identity, more.account, grant) if more.account else None)
