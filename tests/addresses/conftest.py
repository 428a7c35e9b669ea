"""What the tests of addresses share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.conf import rate_limits
from accounts.mails.models import Purpose
from tests.api import GraphQL, SignedIn, SignIn
from tests.factories import make_account
from tests.mails import link_token

REQUEST = """
mutation ($input: RequestEmailChangeInput!) {
  requestEmailChange(input: $input) { account { email pendingEmail } errors { code field message } }
}
"""
CONFIRM = """
mutation ($input: ConfirmEmailChangeInput!) {
  confirmEmailChange(input: $input) { account { email emailVerified pendingEmail } errors { code field } }
}
"""
CANCEL = "mutation { cancelEmailChange { account { email pendingEmail } errors { code } } }"
UNDO = "mutation ($input: MailedTokenInput!) { undoEmailChange(input: $input) { errors { code field } } }"
OLD, NEW = "ada@example.com", "countess@example.com"

Payload = dict[str, Any]


@pytest.fixture
def ada(sign_in: SignIn) -> SignedIn:
    """Somebody who has verified her address."""
    return sign_in(make_account(email=OLD, email_verified=True))


@pytest.fixture
def ask(graphql: GraphQL) -> Callable[..., Payload]:
    """Ask for another address."""

    def call(signed_in: SignedIn, email: str = NEW) -> Payload:
        answer = graphql(REQUEST, token=signed_in.access_token, input={"newEmail": email})
        payload: Payload = answer.data["requestEmailChange"]
        return payload

    return call


@pytest.fixture
def confirm(graphql: GraphQL) -> Callable[..., Payload]:
    """Confirm it: `token=` of a link, or `code=`."""

    def call(signed_in: SignedIn, **given: str) -> Payload:
        payload: Payload = graphql(CONFIRM, token=signed_in.access_token, input=given).data["confirmEmailChange"]
        return payload

    return call


@pytest.fixture
def change(ask: Callable[..., Payload], confirm: Callable[..., Payload]) -> Callable[..., None]:
    """Change the address, with the link that was mailed to the new one."""

    def call(signed_in: SignedIn, email: str = NEW) -> None:
        assert ask(signed_in, email)["errors"] == []
        assert confirm(signed_in, token=link_token(email, Purpose.CHANGE_EMAIL))["errors"] == []

    return call


@pytest.fixture
def undo(graphql: GraphQL) -> Callable[[str], Payload]:
    """Undo a change with a token; signed out."""

    def call(token: str) -> Payload:
        payload: Payload = graphql(UNDO, input={"token": token}).data["undoEmailChange"]
        return payload

    return call


@pytest.fixture
def limit(settings: Any) -> Callable[[str], None]:
    """Change lines of the table of limits."""

    def call(text: str) -> None:
        settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits(text))

    return call
