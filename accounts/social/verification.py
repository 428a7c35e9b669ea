"""Verifies a presented credential with its nonce or flow, and lets each count once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey
from accounts.errors import Required
from accounts.people.models import Account
from accounts.shared import single_use
from accounts.social import flows, refusals, second_factor
from accounts.social.claims import Claims
from accounts.social.credentials import AccessToken, AuthorizationCode, Credential, CredentialKind, IdToken
from accounts.social.errors import RedirectUriNotAllowed
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.registry import provider_named
from accounts.tokens.models import Client

FLOW = ("credential", "code", "flow")
STATE = ("credential", "code", "state")
REDIRECT_URI = ("credential", "code", "redirect_uri")
CODE_VERIFIER = ("credential", "code", "code_verifier")
ID_TOKEN_MARGIN = 300
"""Seconds: more than clocks may differ."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 §4.1."""


@dataclass(frozen=True, kw_only=True)
class PresentedCode:
    """An authorization code as a client presents it: with a flow of ours, or with its own redirect URI and verifier."""

    kind = CredentialKind.CODE
    value: str = field(repr=False)
    state: str | None = None
    flow: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = field(default=None, repr=False)


Presented = AccessToken | IdToken | PresentedCode


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The holder of a verified credential. Challenges store it; the provider's answer is not stored."""

    provider: str
    claims: Claims
    second_factor: bool = False
    """Whether the provider says that it has asked for a second factor: see `social.second_factor`."""


def verify(
    *, provider: str, credential: Presented, client: int, account: Account | None = None
) -> tuple[Identity, Mapping[str, Any]]:
    """Verify a credential; return the identity and the provider's response. Single-use values are consumed.

    `client` is the key of the calling client; `account` is the one to link to, None for a sign-in. Call outside a
    transaction, because the provider is asked. Raises ProviderUnknown, CredentialNotSupported, ProviderRejected,
    ProviderUnavailable, RedirectUriNotAllowed, Required.
    """
    field = ("credential", credential.kind.value)
    social_provider = provider_named(provider, field=field)
    uses: dict[str, datetime] = {}
    ready: Credential
    match credential:
        case IdToken():
            _check_nonce(social_provider, credential, uses)
            ready = credential
        case PresentedCode():
            ready = _with_flow(social_provider, credential, client, account, uses)
        case AccessToken():
            ready = credential
    verified = social_provider.verify(ready)
    if isinstance(credential, IdToken):
        # The signed content, not the signature: one content can have several signatures.
        signed = credential.value.rpartition(".")[0]
        uses[f"{social_provider.name} id_token {signed}"] = timezone.now() + timedelta(
            seconds=latchkey().id_token_max_age + ID_TOKEN_MARGIN
        )
    if uses and not single_use.spend(uses):
        raise refusals.rejected(social_provider.name, "used before", field=field)
    identity = Identity(
        provider=social_provider.name,
        claims=verified.claims,
        second_factor=second_factor.is_shown(verified.amr),
    )
    return identity, verified.answer


def _check_nonce(provider: SocialProvider, token: IdToken, uses: dict[str, datetime]) -> None:
    """Check that the nonce, if there is one or has to be one, is ours. Raises Required, ProviderRejected."""
    if token.nonce is None:
        if provider.nonce_required:
            raise Required(_("Ask createSocialNonce for a nonce, and hand it to the provider."), field=("nonce",))
        return
    if not flows.is_nonce(token.nonce, provider=provider.name):
        raise refusals.rejected(provider.name, "nonce not ours, for another provider, or expired", field=("nonce",))
    uses[f"{provider.name} nonce {token.nonce}"] = flows.expires_at()


def _with_flow(
    provider: SocialProvider, code: PresentedCode, client: int, account: Account | None, uses: dict[str, datetime]
) -> AuthorizationCode:
    """The code with the values to redeem it. Raises ProviderRejected, RedirectUriNotAllowed, Required."""
    if code.flow is None:
        return _by_app(provider, code, client)
    flow = flows.Flow.read(code.flow)
    if flow is None:
        raise refusals.rejected(provider.name, "flow not ours, or expired", field=FLOW)
    if flow.provider != provider.name or flow.client_id != client:
        raise refusals.rejected(provider.name, "flow of another provider or client", field=FLOW)
    if flow.account_id != (str(account.pk) if account else ""):
        # A flow that was begun signed in is finished by the same account, and by nobody else (S70).
        raise refusals.rejected(provider.name, "flow begun by another account, or for another purpose", field=FLOW)
    if not flow.has_state(code.state):
        raise refusals.rejected(provider.name, "another state than the provider was given", field=STATE)
    uses[f"flow {flow.seed}"] = flows.expires_at()
    return AuthorizationCode(
        value=code.value, redirect_uri=flow.redirect_uri, code_verifier=flow.code_verifier, nonce=flow.nonce
    )


def _by_app(provider: SocialProvider, code: PresentedCode, client: int) -> AuthorizationCode:
    """A code that the front end requested itself, with its own verifier or in the provider's popup."""
    if not code.redirect_uri:
        raise Required(field=REDIRECT_URI)
    if code.redirect_uri != provider.popup_redirect_uri:
        allowed = Client.objects.values_list("redirect_uris", flat=True).get(pk=client).split()
        if code.redirect_uri not in allowed:
            raise RedirectUriNotAllowed(field=REDIRECT_URI)
        if not code.code_verifier:
            # Without one, a code injected into the front end would sign the attacker in there.
            raise Required(field=CODE_VERIFIER)
    if code.code_verifier and not VERIFIER.fullmatch(code.code_verifier):
        raise refusals.rejected(provider.name, "not a PKCE verifier by its form", field=CODE_VERIFIER)
    return AuthorizationCode(value=code.value, redirect_uri=code.redirect_uri, code_verifier=code.code_verifier or None)
