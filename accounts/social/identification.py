"""From a provider's credential to the account whose identity it proves."""

import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthAssociationError, SocialAuthBaseException
from social_core.strategy import BaseStrategy
from social_django.models import DjangoStorage, UserSocialAuth

from accounts import single_use
from accounts.conf import latchkey
from accounts.exceptions import (
    AccountDisabled,
    AccountsError,
    AlreadyLinked,
    CredentialNotSupported,
    ProviderUnknown,
    RedirectUriNotAllowed,
    Required,
)
from accounts.models import Account, Client
from accounts.social import flows
from accounts.social.base import Claims, Verified, VerifyingBackend
from accounts.social.credentials import AccessToken, AuthorizationCode, Credential, CredentialKind, IdToken
from accounts.social.sign_up import AddressTaken, Incomplete, Profile

log = logging.getLogger("accounts.social")

PIPELINE = [
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "social_core.pipeline.social_auth.social_user",
    "accounts.social.sign_up.create_account",
    "social_core.pipeline.social_auth.associate_user",
]
"""Not `associate_by_email` (S31), and not `load_extra_data`, which stores the provider's tokens (S15)."""

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


@dataclass(frozen=True, kw_only=True)
class Identified:
    """Who it is, and whether the account was made just now."""

    account: Account
    is_new: bool


class StatelessStrategy(BaseStrategy[object]):
    """social-core with Django's settings and models, but without an HTTP request and without a session."""

    def __init__(self) -> None:
        super().__init__(DjangoStorage)

    def get_setting(self, name: str) -> Any:
        """Django's."""
        return getattr(settings, name)

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - social-core's signature
        """Nothing: what a back end shall know is passed to it."""
        return {}

    def build_absolute_uri(self, path: str | None = None) -> str:
        """As it is: clients name their redirect URIs in full."""
        return path or ""


def offered() -> Iterator[VerifyingBackend]:
    """The providers that are switched on, in the order to show them."""
    for provider in latchkey().providers:
        backend: type[VerifyingBackend] = import_string(provider.backend)
        yield backend(StatelessStrategy(), provider)


def backend_for(provider: str, *, about: tuple[str, ...] = ("provider",)) -> VerifyingBackend:
    """For one sign-in. Raises ProviderUnknown; CredentialNotSupported, with `about` as its field.

    Not by social-core's `get_backend`: it empties a cache that all threads share whenever a name is unknown.
    """
    for backend in offered():
        if provider in (backend.name, *backend.provider.aliases):
            return backend
    for path in settings.AUTHENTICATION_BACKENDS:
        other: type = import_string(path)
        if issubclass(other, BaseAuth) and other.name == provider:
            # One of social-core's own, which cannot tell whom a token is for (S28).
            raise CredentialNotSupported(field=about)
    log.info("unknown provider %.40r", provider)
    raise ProviderUnknown(field=("provider",))


def verify(
    *, provider: str, credential: Presented, client: Client | int, account: Account | None = None
) -> tuple[Identity, Verified]:
    """Whose the credential is, once it is shown to be for us; what counts once is spent.

    `account` is who links it, None for a sign-in. The provider is asked before any transaction begins. Raises
    ProviderUnknown, CredentialNotSupported, ProviderRejected, ProviderUnavailable, RedirectUriNotAllowed, Required.
    """
    backend = backend_for(provider, about=("credential", credential.kind.value))
    backend.presented(credential.kind)
    uses: dict[str, datetime] = {}
    ready: Credential
    match credential:
        case IdToken():
            _check_nonce(backend, credential, uses)
            ready = credential
        case PresentedCode():
            ready = _with_flow(backend, credential, _key(client), account, uses)
        case AccessToken():
            ready = credential
    verified = backend.verify(ready)
    if isinstance(credential, IdToken):
        # Of what is signed, not of the signature: there can be several for one content.
        signed = credential.value.rpartition(".")[0]
        uses[f"{backend.name} id_token {signed}"] = datetime.now(tz=UTC) + timedelta(
            seconds=latchkey().id_token_max_age + ID_TOKEN_MARGIN
        )
    if uses and not single_use.spend(uses):
        raise backend.rejected("used before")
    return Identity(provider=backend.name, claims=verified.claims), verified


def _key(client: Client | int) -> int:
    return client if isinstance(client, int) else client.pk


def _check_nonce(backend: VerifyingBackend, token: IdToken, uses: dict[str, datetime]) -> None:
    """That the nonce is ours, if one is given or has to be. Raises Required, ProviderRejected."""
    if token.nonce is None:
        if backend.provider.nonce_required and CredentialKind.ID_TOKEN in backend.kinds:
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


def identify(identity: Identity, *, profile: Profile | None = None, answered: bool = False) -> Identified:
    """The account of the person; at first sight a new one.

    `profile` holds hints, or what was answered when it was asked for. Raises ProviderUnknown, ProviderRejected,
    AccountDisabled, AddressTaken, Incomplete; ValidationFailed for an answer.
    """
    backend = backend_for(identity.provider)
    try:
        return _account_of(backend, identity.claims, profile or Profile(), answered=answered)
    except SocialAuthBaseException as error:
        raise backend.rejected(error.code) from error
    except (AccountsError, AddressTaken, Incomplete) as refusal:
        log.info("%s refused: %s", backend.name, _cause(refusal))
        raise


def _cause(refusal: Exception) -> str:
    match refusal:
        case AddressTaken():
            return "address taken" if refusal.account else "address taken, and not verified"
        case Incomplete():
            return f"without {', '.join(refusal.missing)}"
        case AccountsError():
            return str([(failure.code, *(failure.field or ())) for failure in refusal.failures])
    return type(refusal).__name__


def _account_of(backend: VerifyingBackend, claims: Claims, profile: Profile, *, answered: bool) -> Identified:
    try:
        return _run_pipeline(backend, claims, profile, answered=answered)
    except (IntegrityError, AuthAssociationError, AddressTaken):
        # Perhaps another first sign-in of the same person won a race since we looked: then it is found now.
        return _run_pipeline(backend, claims, profile, answered=answered)


@transaction.atomic
def _run_pipeline(backend: VerifyingBackend, claims: Claims, profile: Profile, *, answered: bool) -> Identified:
    # Never for somebody who is signed in already: the pipeline would link the identity to them (S25).
    outcome = backend.run_pipeline(PIPELINE, response=asdict(claims), user=None, profile=profile, answered=answered)
    if not isinstance(outcome, dict) or not isinstance(outcome.get("user"), Account):
        raise TypeError("The pipeline did not end with an account.")
    account: Account = outcome["user"]
    if not account.is_active:
        raise AccountDisabled
    remember_use(outcome["social"], claims)
    return Identified(account=account, is_new=outcome["is_new"])


def link(identity: Identity, *, account: Account) -> UserSocialAuth:
    """Make the identity a way in to this account. Raises AlreadyLinked, ProviderUnknown, ProviderRejected."""
    backend = backend_for(identity.provider)
    response = asdict(identity.claims)
    if not backend.auth_allowed(response, backend.get_user_details(response)):
        raise backend.rejected("not on the list of those allowed")
    with transaction.atomic():
        # One at a time for each account: what is its last way in has to be known.
        Account.objects.select_for_update().get(pk=account.pk)
        linked, _created = UserSocialAuth.objects.get_or_create(
            provider=identity.provider,
            uid=identity.claims.sub,
            defaults={"user": account, "id_key": backend.id_key()},
        )
        if linked.user_id != account.pk:
            raise AlreadyLinked
        remember_use(linked, identity.claims)
    return linked


def remember_use(social: UserSocialAuth, claims: Claims) -> None:
    """When, and the address that the provider told; nothing that opens anything (S15)."""
    social.extra_data = {"email": claims.email, "last_used_at": timezone.now().isoformat()}
    social.save(update_fields=["extra_data", "modified"])
