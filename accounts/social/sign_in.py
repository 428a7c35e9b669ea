"""Sign in, or up, through a provider."""

import contextlib
from dataclasses import asdict, dataclass

from django.db import transaction

from accounts.challenges import steps as challenges
from accounts.challenges.models import Challenge
from accounts.challenges.transactions import keeping_steps
from accounts.conf import latchkey
from accounts.errors import InvalidChallenge
from accounts.guard import events, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.social import refusals, second_factor
from accounts.social.challenges import PROFILE, ask_for_profile, ask_to_link, identity_of
from accounts.social.credentials import CredentialKind
from accounts.social.errors import (
    CredentialNotSupported,
    LinkRequired,
    ProfileRequired,
    ProviderRejected,
    ProviderUnknown,
    RedirectUriNotAllowed,
)
from accounts.social.flows import Flow, create_nonce
from accounts.social.identification import CREDENTIAL, Identified, holder_of, identify
from accounts.social.providers.authorization import AuthorizationRequest, Prompt
from accounts.social.providers.registry import provider_named
from accounts.social.sign_up import AddressTaken, Incomplete, Profile, Unconfirmed
from accounts.social.signals import social_signed_in
from accounts.social.verification import Identity, Presented, verify
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer, ClientGrant, TokenSet
from accounts.tokens.errors import InvalidClient, InvalidGrant
from accounts.tokens.models import AuthenticationMethod
from accounts.verification import pending as registrations
from accounts.verification import sending
from accounts.verification.challenge import EmailVerificationChallenge
from accounts.verification.errors import EmailVerificationRequired

LONGEST_HINT = 254
ATTEMPTS = 3
"""How often a sign-in begins again because the account's sessions ended in the meantime."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The outcome of a sign-in through a provider."""

    account: Account
    tokens: TokenSet
    is_new_account: bool


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """A prepared redirect to a provider; the duration is in seconds."""

    url: str
    flow: str
    expires_in: int


def create_social_auth_url(
    *,
    provider: str,
    redirect_uri: str,
    login_hint: str,
    prompt: Prompt | None,
    client_id: str | None,
    bearer: Bearer | None,
    caller: Caller,
) -> Authorization:
    """Prepare a redirect to a provider. With a bearer, the flow links, for the same client; else it signs in (S70).

    Raises ProviderUnknown, CredentialNotSupported, ProviderUnavailable, RedirectUriNotAllowed, InvalidClient,
    RateLimited.
    """
    social_provider = provider_named(provider)
    client = bearer_tokens.known_client(client_id or (bearer.client_name if bearer else None))
    if bearer and bearer.client_id != client.pk:
        raise InvalidClient(field=("client_id",), hint="client: not that of the Bearer token")
    if CredentialKind.CODE not in social_provider.kinds:
        raise CredentialNotSupported(field=("provider",))
    # Exact match: a URI that looks almost the same may be an attacker's page (RFC 9700 §2.1).
    if redirect_uri not in client.redirect_uris.split():
        raise RedirectUriNotAllowed(field=("redirect_uri",))
    account = str(bearer.account.pk) if bearer else ""
    flow = Flow.begin(
        provider=social_provider.name,
        redirect_uri=redirect_uri,
        client_id=client.pk,
        account_id=account,
    )
    request = AuthorizationRequest(
        redirect_uri=redirect_uri,
        state=flow.state,
        nonce=flow.nonce,
        code_challenge=flow.code_challenge,
        login_hint=login_hint if len(login_hint) <= LONGEST_HINT else "",
        prompt=prompt,
    )
    with limits.attempt(Action.CONVERT, account=account, caller=caller, client=client.client_id):
        # It may have to ask for the provider's discovery document.
        url = social_provider.authorization_url(request)
    return Authorization(url=url, flow=str(flow), expires_in=latchkey().social_flow_lifetime)


def create_social_nonce(*, provider: str) -> tuple[str, int]:
    """A nonce for the provider's SDK, and its lifetime in seconds. Raises ProviderUnknown."""
    return create_nonce(provider_named(provider).name), latchkey().social_flow_lifetime


def convert_social_token(
    *, provider: str, credential: Presented, hints: Profile, grant: ClientGrant, caller: Caller
) -> Converted:
    """Trade a provider's credential for our tokens.

    Raises what `verify` raises, AccountDisabled, RegistrationClosed, RateLimited, and LinkRequired, ProfileRequired or
    EmailVerificationRequired with a challenge.
    """
    client = grant.client.client_id
    end_user = grant.end_user(caller)
    identity: Identity | None = None
    with (
        origin.acting(client=client, caller=end_user),
        events.failures(
            EventType.SIGN_IN_FAILED, subject=lambda: holder_of(identity), method=AuthenticationMethod.SOCIAL
        ),
    ):
        with limits.attempt(Action.CONVERT, caller=end_user, client=client):
            identity, answer = verify(provider=provider, credential=credential, client=grant.client.pk)
            outcome = _signed_in(identity, hints, grant, caller)
        if not isinstance(outcome, Converted):
            raise _challenge(outcome, identity, grant, end_user)
    limits.remember(account=outcome.account.email, caller=end_user)
    social_signed_in.send_robust(sender=Account, account=outcome.account, provider=identity.provider, answer=answer)
    return outcome


@dataclass(frozen=True, kw_only=True)
class PendingProfile:
    """A sign-in that waits for a profile, and what was granted in its first call."""

    challenge: Challenge
    grant: ClientGrant


def profile_challenge(challenge_token: str, *, caller: Caller) -> PendingProfile:
    """Find the pending ProfileChallenge and count one attempt. Raises InvalidChallenge, RateLimited."""
    with (
        events.failures(EventType.REGISTER_FAILED, subject=lambda: None),
        limits.attempt(Action.CHALLENGE, caller=caller),
    ):
        challenge = challenges.attempt(challenge_token, PROFILE)
        return PendingProfile(challenge=challenge, grant=challenges.grant_of(challenge))


def answer_profile_challenge(pending: PendingProfile, *, profile: Profile, caller: Caller) -> Converted:
    """Finish a sign-in with what the provider left out, for the client, scope and transport of the first call.

    Raises InvalidChallenge, AccountDisabled, RegistrationClosed, LinkRequired, RateLimited; ValidationFailed and
    EmailVerificationRequired, after which the challenge can be answered again, with another address too.
    """
    grant, identity = pending.grant, identity_of(pending.challenge)
    client = grant.client.client_id
    # The client is not authenticated in this call: its end-user headers are ignored (S64).
    caller = grant.end_user(caller)
    with (
        origin.acting(client=client, caller=caller),
        events.failures(EventType.REGISTER_FAILED, subject=lambda: holder_of(identity)),
    ):
        with limits.attempt(Action.CHALLENGE, caller=caller, client=client):
            outcome = _answered(pending.challenge, identity, profile, grant, caller)
        if not isinstance(outcome, Converted):
            required = _challenge(outcome, identity, grant, caller)
            if isinstance(required.challenge, EmailVerificationChallenge):
                # Until then the address can be corrected.
                challenges.keep_open(pending.challenge, until=required.challenge.token)
            raise required
    return outcome


def _answered(
    challenge: Challenge, identity: Identity, profile: Profile, grant: ClientGrant, caller: Caller
) -> Converted | AddressTaken | Incomplete | Unconfirmed:
    try:
        with keeping_steps():
            challenges.finish(challenge)
            outcome = _signed_in(identity, profile, grant, caller, answered=True)
            if not isinstance(outcome, Converted):
                # Nobody was signed in: the challenge stays, and can be answered again.
                transaction.set_rollback(True)
            return outcome
    except (ProviderUnknown, ProviderRejected):
        # The provider was switched off in the meantime, or its lists exclude this person now.
        raise InvalidChallenge(field=("challenge_token",)) from None


def _signed_in(
    identity: Identity, profile: Profile, grant: ClientGrant, caller: Caller, *, answered: bool = False
) -> Converted | AddressTaken | Incomplete | Unconfirmed:
    for _attempt in range(ATTEMPTS):
        identified = identify(identity, profile=profile, answered=answered, client_key=grant.client.pk)
        if not isinstance(identified, Identified):
            return identified
        # The account's password was changed, or the account taken over, in the meantime: look up the identity again.
        with contextlib.suppress(InvalidGrant):
            return Converted(
                account=identified.account,
                tokens=bearer_tokens.issue(
                    account=identified.account,
                    grant=grant,
                    caller=caller,
                    methods=(AuthenticationMethod.SOCIAL,),
                    is_new=identified.is_new,
                    second_factor=identity.second_factor and second_factor.is_trusted(identity.provider),
                ),
                is_new_account=identified.is_new,
            )
    raise refusals.rejected(identity.provider, "the account's sessions keep ending", field=CREDENTIAL)


def _challenge(
    outcome: AddressTaken | Incomplete | Unconfirmed, identity: Identity, grant: ClientGrant, caller: Caller
) -> LinkRequired | ProfileRequired | EmailVerificationRequired:
    """Build the exception for the caller to raise, with its challenge stored. Raises RateLimited."""
    if isinstance(outcome, Incomplete):
        return ProfileRequired(ask_for_profile(identity, outcome, grant))
    if isinstance(outcome, AddressTaken):
        return LinkRequired(ask_to_link(identity, outcome.account, grant) if outcome.account else None)
    account = outcome.account
    factor_by = identity.provider if identity.second_factor else ""
    with limits.attempt(Action.MAIL, account=account.email, caller=caller, client=grant.client.client_id):
        if account._state.adding:  # noqa: SLF001 - public in practice
            return registrations.begin(account, grant=grant, identity=asdict(identity), factor_by=factor_by)
        return sending.challenge(account, grant=grant, methods=(AuthenticationMethod.SOCIAL,), factor_by=factor_by)
