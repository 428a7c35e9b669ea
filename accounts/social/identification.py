"""From a provider's credential to the account whose identity it proves."""

import logging
import re
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthAssociationError, SocialAuthBaseException
from social_core.strategy import BaseStrategy
from social_django.models import DjangoStorage

from accounts.exceptions import (
    AccountDisabled,
    AccountsError,
    CredentialNotSupported,
    LinkRequired,
    ProviderUnknown,
)
from accounts.models import Account
from accounts.social.backends import ACCESS_TOKEN, Claims, VerifyingBackend

log = logging.getLogger("accounts.social")

CREDENTIAL = re.compile(r"[ -~]{1,4096}")
"""Printable ASCII, 4 KiB at most."""

PIPELINE = [
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "social_core.pipeline.social_auth.social_user",
    "accounts.social.sign_up.create_account",
    "social_core.pipeline.social_auth.associate_user",
]
"""Not `associate_by_email` (S31), and not `load_extra_data`, which stores the provider's tokens (S15)."""


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


def identify(*, provider: str, access_token: str) -> Identified:
    """The account of the person whose token it is; at first sight a new one.

    The provider is asked before any transaction begins. Raises ProviderUnknown, CredentialNotSupported,
    ProviderRejected, ProviderUnavailable, AccountDisabled, LinkRequired; ValidationFailed with all Required.
    """
    backend = _backend(provider)
    # Before anything goes out (S36).
    if not CREDENTIAL.fullmatch(access_token):
        raise backend.rejected("not an access token by its form")
    claims = backend.verify_access_token(access_token)
    try:
        return _account_of(backend, claims)
    except SocialAuthBaseException as error:
        raise backend.rejected(error.code) from error
    except AccountsError as error:
        causes = [(failure.code, *(failure.field or ())) for failure in error.failures]
        log.info("%s refused: %s", backend.name, causes)
        raise


def _backend(provider: str) -> VerifyingBackend:
    """For one sign-in. Raises ProviderUnknown, CredentialNotSupported.

    Not by social-core's `get_backend`: it empties a cache that all threads share whenever a name is unknown.
    """
    for path in settings.AUTHENTICATION_BACKENDS:
        backend: type = import_string(path)
        if not issubclass(backend, BaseAuth):
            continue
        if issubclass(backend, VerifyingBackend):
            if provider in (backend.name, *backend.aliases) and backend.configured():
                return backend(StatelessStrategy())
        elif provider == backend.name:
            log.warning("%s does not check whom access tokens are for", backend.name)
            raise CredentialNotSupported(field=ACCESS_TOKEN)
    log.info("unknown provider %.40r", provider)
    raise ProviderUnknown(field=("provider",))


def _account_of(backend: VerifyingBackend, claims: Claims) -> Identified:
    try:
        return _run_pipeline(backend, claims)
    except (IntegrityError, AuthAssociationError, LinkRequired):
        # Perhaps another first sign-in of the same person won a race since we looked: then it is found now.
        return _run_pipeline(backend, claims)


@transaction.atomic
def _run_pipeline(backend: VerifyingBackend, claims: Claims) -> Identified:
    # Never for somebody who is signed in already: the pipeline would link the identity to them (S25).
    outcome = backend.run_pipeline(PIPELINE, response=asdict(claims), user=None)
    if not isinstance(outcome, dict) or not isinstance(outcome.get("user"), Account):
        raise TypeError("The pipeline did not end with an account.")
    if not outcome["user"].is_active:
        raise AccountDisabled
    return Identified(account=outcome["user"], is_new=outcome["is_new"])
