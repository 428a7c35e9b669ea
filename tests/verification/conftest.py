"""What the tests of this room share."""

from typing import Any

import pytest

from tests.verification import calls


@pytest.fixture
def mandatory(settings) -> None:
    """Signing in waits for the confirmation."""
    calls.require_confirmation(settings)


@pytest.fixture
def register(graphql):
    """The payload of registering Ada, with changes."""
    return lambda **changes: graphql(calls.REGISTER, input={**calls.ADA, **changes}).data["register"]


@pytest.fixture
def answer(graphql):
    """The payload of answering a challenge with a code."""

    def send(challenge: dict[str, Any] | str, code: str, **more: Any) -> Any:
        token = challenge if isinstance(challenge, str) else challenge["token"]
        given = {"challengeToken": token, "code": code}
        return graphql(calls.ANSWER, input=given, **more).data["answerEmailVerificationChallenge"]

    return send


@pytest.fixture
def press(graphql):
    """The payload of pressing the button of a mailed link."""

    def send(token: str, *, bearer: str | None = None, **more: Any) -> Any:
        given = {"link": {"token": token, **more}}
        return graphql(calls.VERIFY, token=bearer, input=given).data["verifyEmail"]

    return send


@pytest.fixture
def type_in(graphql):
    """The payload of typing a code while signed in."""
    return lambda code, *, bearer: graphql(calls.VERIFY, token=bearer, input={"code": code}).data["verifyEmail"]


@pytest.fixture
def resend(graphql):
    """The payload of asking for the mail again."""
    return lambda email=calls.ADDRESS, **more: graphql(calls.RESEND, input={"email": email, **more}).data[
        "resendVerification"
    ]


@pytest.fixture
def convert(graphql, providers):
    """The payload of a sign-in through Google, which has not verified the address unless told otherwise."""

    def send(**person: Any) -> Any:
        token = providers.google_token(**{"email_verified": False, **person})
        given = {"provider": "google", "credential": {"accessToken": token}}
        return graphql(calls.CONVERT, input=given).data["convertSocialToken"]

    return send
