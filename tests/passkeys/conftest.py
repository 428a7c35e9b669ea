"""What the tests of passkeys share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.conf import EmailVerification, MfaRequired
from accounts.people.models import Account
from tests.api import SignedIn
from tests.authenticator import Authenticator
from tests.factories import make_account
from tests.passkeys import calls


@pytest.fixture
def account(db) -> Account:
    """Somebody with a verified address."""
    return make_account(email_verified=True)


@pytest.fixture
def at(client, settings) -> Callable[[str], None]:
    """Come from another address."""
    settings.TRUSTED_PROXIES = 1

    def move(address: str) -> None:
        client.defaults["REMOTE_ADDR"] = address

    move("192.0.2.1")
    return move


@pytest.fixture
def authenticator() -> Authenticator:
    """One that counts."""
    return Authenticator(counts=True)


@pytest.fixture
def token(signed_in: SignedIn) -> str:
    """The access token of somebody who has just signed in with the password."""
    return signed_in.access_token


@pytest.fixture
def passkey(graphql, token, authenticator) -> dict[str, Any]:
    """A passkey of theirs."""
    payload = calls.added(graphql, token, authenticator)
    assert payload["errors"] == []
    added: dict[str, Any] = payload["passkey"]
    return added


@pytest.fixture
def required_of_all(settings) -> None:
    """A second factor is required of everybody."""
    settings.LATCHKEY = replace(
        settings.LATCHKEY, mfa_required_for=MfaRequired.ALL, email_verification=EmailVerification.MANDATORY
    )


@pytest.fixture
def switched_off(settings) -> None:
    """Passkeys have no domain."""
    settings.LATCHKEY = replace(settings.LATCHKEY, development=False, public_urls=())
