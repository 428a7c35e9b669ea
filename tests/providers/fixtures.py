"""The providers' fixtures; a plug-in of pytest."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from tests.providers.server import (
    FACEBOOK_APP,
    FACEBOOK_SECRET,
    GOOGLE_ANDROID_CLIENT,
    GOOGLE_CLIENT,
    Providers,
    Server,
)


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
    settings.LATCHKEY = replace(
        settings.LATCHKEY,
        google_client_ids=(GOOGLE_CLIENT, GOOGLE_ANDROID_CLIENT),
        facebook_app_id=FACEBOOK_APP,
        facebook_app_secret=FACEBOOK_SECRET,
        provider_endpoints=provider_server.providers.endpoints,
    )
    return provider_server.providers
