"""The providers' fixtures; a plug-in of pytest."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from tests.providers.server import Providers, Server


@pytest.fixture
def provider_server() -> Iterator[Server]:
    """A server for the providers' endpoints."""
    server = Server()
    yield server
    if not server.providers.released.is_set():
        server.stop()


@pytest.fixture
def providers(provider_server: Server, settings: Settings) -> Providers:
    """Google and Facebook, configured, as the local server plays them."""
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=provider_server.providers.configured)
    return provider_server.providers
