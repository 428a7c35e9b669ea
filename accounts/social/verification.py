"""From what a client presents to whose it is: the credential, with the nonce or flow that belongs to it, once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts import single_use
from accounts.conf import latchkey
from accounts.exceptions import RedirectUriNotAllowed, Required
from accounts.models import Account, Client
from accounts.social import flows
from accounts.social.base import Claims, VerifyingBackend
from accounts.social.credentials import AccessToken, AuthorizationCode, Credential, CredentialKind, IdToken
from accounts.social.registry import backend_for

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
    """An authorization code as a client presents it: with the flow that it began, or with what it used itself."""

    kind = CredentialKind.CODE
    value: str = field(repr=False)
    state: str | None = None
    flow: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None
    code_verifier: str | None = field(default=None, repr=False)


Presented = AccessToken | IdToken | PresentedCode


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whose a verified credential is. It stays with the challenges of a sign-in; the provider's answer does not."""

    provider: str
    claims: Claims


def verify(
    *, provider: str, credential: Presented, client: int, account: Account | None = None
) -> tuple[Identity, Mapping[str, Any]]:
    """Whose the credential is, once it is shown to be for us, and what the provider gave; what counts once is spent.

    `client` is the key of the one that asks; `account` is who links, None for a sign-in. The provider is asked before
    any transaction begins. Raises ProviderUnknown, CredentialNotSupported, ProviderRejected, ProviderUnavailable,
    RedirectUriNotAllowed, Required.
    """
    backend = backend_for(provider, about=("credential", credential.kind.value))
    uses: dict[str, datetime] = {}
    ready: Credential
    match credential:
        case IdToken():
            _check_nonce(backend, credential, uses)
            ready = credential
        case PresentedCode():
            ready = _with_flow(backend, credential, client, account, uses)
        case AccessToken():
            ready = credential
    verified = backend.verify(ready)
    if isinstance(credential, IdToken):
        # Of what is signed, not of the signature: there can be several for one content.
        signed = credential.value.rpartition(".")[0]
        uses[f"{backend.name} id_token {signed}"] = timezone.now() + timedelta(
            seconds=latchkey().id_token_max_age + ID_TOKEN_MARGIN
        )
    if uses and not single_use.spend(uses):
        raise backend.rejected("used before")
    return Identity(provider=backend.name, claims=verified.claims), verified.answer


def _check_nonce(backend: VerifyingBackend, token: IdToken, uses: dict[str, datetime]) -> None:
    """That the nonce is ours, if one is given or has to be. Raises Required, ProviderRejected."""
    if token.nonce is None:
        if backend.nonce_required:
            raise Required("Ask createSocialNonce for a nonce, and hand it to the provider.", field=("nonce",))
        return
    if not flows.is_nonce(token.nonce, provider=backend.name):
        raise backend.rejected("nonce not ours, for another provider, or expired", field=("nonce",))
    uses[f"{backend.name} nonce {token.nonce}"] = flows.expires_at()


def _with_flow(
    backend: VerifyingBackend, code: PresentedCode, client: int, account: Account | None, uses: dict[str, datetime]
) -> AuthorizationCode:
    """The code with what it takes to redeem it. Raises ProviderRejected, RedirectUriNotAllowed, Required."""
    if code.flow is None:
        return _by_app(backend, code, client)
    flow = flows.Flow.read(code.flow)
    if flow is None:
        raise backend.rejected("flow not ours, or expired", field=FLOW)
    if flow.provider != backend.name or flow.client_id != client:
        raise backend.rejected("flow of another provider or client", field=FLOW)
    if flow.account_id != (str(account.pk) if account else ""):
        # Who began it signed in finishes it so, and nobody else does (S70).
        raise backend.rejected("flow begun by another account, or for another purpose", field=FLOW)
    if not flow.answers(code.state):
        raise backend.rejected("another state than the provider was given", field=STATE)
    uses[f"flow {flow.seed}"] = flows.expires_at()
    return AuthorizationCode(
        value=code.value, redirect_uri=flow.redirect_uri, code_verifier=flow.code_verifier, nonce=flow.nonce
    )


def _by_app(backend: VerifyingBackend, code: PresentedCode, client: int) -> AuthorizationCode:
    """A code that the front end asked for itself, with a verifier of its own or in the provider's popup."""
    if not code.redirect_uri:
        raise Required(field=REDIRECT_URI)
    if code.redirect_uri != backend.popup_redirect_uri:
        allowed = Client.objects.values_list("redirect_uris", flat=True).get(pk=client).split()
        if code.redirect_uri not in allowed:
            raise RedirectUriNotAllowed(field=REDIRECT_URI)
        if not code.code_verifier:
            # Without one, a code that was slipped into the front end would sign its holder in there.
            raise Required(field=CODE_VERIFIER)
    if code.code_verifier and not VERIFIER.fullmatch(code.code_verifier):
        raise backend.rejected("not a PKCE verifier by its form", field=CODE_VERIFIER)
    return AuthorizationCode(value=code.value, redirect_uri=code.redirect_uri, code_verifier=code.code_verifier or None)
