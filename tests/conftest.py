"""What all tests share."""

import io
import json
import os
import uuid
from typing import Any

import hypothesis
import pytest
from django.core.management import call_command

from accounts.guard import events, limits, store
from accounts.people.models import Account
from accounts.shared import clock
from tests.api import TOKEN_AUTH, Answer, GraphQL, SignedIn, SignIn
from tests.browser import AdminBrowser, Browser
from tests.factories import PASSWORD, make_account

# In CI the same examples each time: what a change did not cause must not stop it. At home, others each time.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("home", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "home")

pytest_plugins = ["tests.providers.fixtures", "tests.codes_plugin"]


@pytest.fixture(autouse=True)
def own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests travel in time, and the database does not."""
    monkeypatch.setattr(clock, "compare", lambda **_readings: None)


@pytest.fixture(autouse=True)
def own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts of other tests do not count, neither in memory nor in Redis."""
    store.MEMORY.clear()
    monkeypatch.setattr(limits, "SALT", uuid.uuid4().hex)
    monkeypatch.setattr(events, "CACHE_PREFIX", uuid.uuid4().hex)


@pytest.fixture
def client() -> Browser:
    """A client that keeps cookies; in place of pytest-django's, which skips CSRF checks (S81)."""
    return Browser()


@pytest.fixture
def admin_browser() -> AdminBrowser:
    """A browser for the forms of the administration."""
    return AdminBrowser()


@pytest.fixture
def default_client(db: None) -> None:
    """The first-party client that calls mean when they name none."""
    call_command("ensure_client", stdout=io.StringIO())


@pytest.fixture
def graphql(default_client: None, client: Browser) -> GraphQL:
    """Post an operation: `graphql(query, token=…, **variables)`."""

    def post(
        query: str, *, token: str | None = None, headers: dict[str, str] | None = None, **variables: Any
    ) -> Answer:
        all_headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        response = client.post(
            "/graphql",
            json.dumps({"query": query, "variables": variables}),
            content_type="application/json",
            headers=all_headers,
        )
        return Answer(response.status_code, json.loads(response.content), response.headers)

    return post


@pytest.fixture
def account(db: None) -> Account:
    """Somebody."""
    return make_account()


@pytest.fixture
def sign_in(graphql: GraphQL) -> SignIn:
    """Sign an account in through `tokenAuth`."""

    def tokens_of(account: Account, **more: Any) -> SignedIn:
        payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD, **more}).data["tokenAuth"]
        assert payload["errors"] == []
        return SignedIn(account, payload["tokens"]["accessToken"], payload["tokens"]["refreshToken"])

    return tokens_of


@pytest.fixture
def signed_in(sign_in: SignIn, account: Account) -> SignedIn:
    """Somebody who is signed in."""
    return sign_in(account)
