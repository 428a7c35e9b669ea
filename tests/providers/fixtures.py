"""The providers' fixtures; a plug-in of pytest."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

import project.cache
from accounts.social.providers import exchange, published
from tests.providers.server import Providers, Server


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """What a process remembers of providers and of Redis is another test's: local ports come again."""
    published._documents.clear()
    for breaker in (exchange.SERVERS, project.cache.SERVERS):
        breaker._retry_at.clear()


@pytest.fixture
def provider_server() -> Iterator[Server]:
    """A server for the providers' endpoints."""
    server = Server()
    yield server
    if not server.providers.released.is_set():
        server.stop()


@pytest.fixture
def providers(provider_server: Server, settings: Settings) -> Providers:
    """All of them, configured, as the local server plays them; what another test's published is forgotten."""
    cache.clear()
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=provider_server.providers.configured)
    return provider_server.providers


@pytest.fixture
def reconfigure(providers: Providers, settings: Settings) -> Callable[..., None]:
    """Change how we are known to one of them: `reconfigure("corp", nonce_required=True)`."""

    def change(name: str, **changes: Any) -> None:
        settings.LATCHKEY = replace(
            settings.LATCHKEY,
            providers=tuple(
                replace(provider, **changes) if provider.name == name else provider
                for provider in settings.LATCHKEY.providers
            ),
        )

    return change
