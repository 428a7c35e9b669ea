"""The providers that are switched on."""

import logging
from collections.abc import Callable, Iterator

from django.conf import settings
from django.utils.module_loading import import_string
from social_core.backends.base import BaseAuth

from accounts.conf import Provider, latchkey
from accounts.social.errors import CredentialNotSupported, ProviderUnknown
from accounts.social.providers.provider import SocialProvider

log = logging.getLogger("accounts.social")


def offered() -> Iterator[SocialProvider]:
    """The providers that are switched on, in the order to show them."""
    return map(_built, latchkey().providers)


def provider_named(name: str, *, field: tuple[str, ...] = ("provider",)) -> SocialProvider:
    """The provider with this name or alias. Raises ProviderUnknown; CredentialNotSupported, with this field."""
    for provider in latchkey().providers:
        if name in (provider.name, *provider.aliases):
            return _built(provider)
    for path in settings.AUTHENTICATION_BACKENDS:
        backend: type = import_string(path)
        if issubclass(backend, BaseAuth) and backend.name == name:
            # One of social-core's own, which cannot tell whom a token was issued to (S28).
            raise CredentialNotSupported(field=field)
    log.info("unknown provider %.40r", name)
    raise ProviderUnknown(field=("provider",))


def _built(provider: Provider) -> SocialProvider:
    build: Callable[[Provider], SocialProvider] = import_string(provider.backend)
    return build(provider)
