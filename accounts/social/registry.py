"""The providers that are switched on."""

import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth
from social_core.strategy import BaseStrategy
from social_django.models import DjangoStorage

from accounts.conf import latchkey
from accounts.exceptions import CredentialNotSupported, ProviderUnknown
from accounts.social.base import VerifyingBackend

log = logging.getLogger("accounts.social")


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
