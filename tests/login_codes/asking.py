"""Signing in by mail, as tests speak it."""

from typing import Any

from accounts.mails.models import Purpose
from tests.api import AUTH_PAYLOAD, GraphQL
from tests.mails import typed_code

REQUEST = """
mutation ($input: RequestLoginCodeInput!) {
  requestLoginCode(input: $input) { mailedCode { token expiresIn } errors { code field message retryAfter } }
}
"""
SIGN_IN = f"""
mutation ($input: TokenAuthWithCodeInput!) {{
  tokenAuthWithCode(input: $input) {{ {AUTH_PAYLOAD} }}
}}
"""
EMAIL = "ada@example.com"


def requested(graphql: GraphQL, email: str = EMAIL, **more: Any) -> str:
    """Ask for a mail: the token of its code."""
    payload = graphql(REQUEST, input={"email": email, **more}).data["requestLoginCode"]
    assert payload["errors"] == []
    return str(payload["mailedCode"]["token"])


def by_code(token: str, code: str) -> dict[str, Any]:
    """The credential of a typed code."""
    return {"code": {"challengeToken": token, "code": code}}


def mailed(graphql: GraphQL, email: str = EMAIL, **more: Any) -> dict[str, Any]:
    """Ask for a mail: the credential that its reader types."""
    token = requested(graphql, email, **more)
    return by_code(token, typed_code(email, Purpose.SIGN_IN))


def signed_in(graphql: GraphQL, credential: dict[str, Any], **more: Any) -> Any:
    """The payload of a sign-in."""
    return graphql(SIGN_IN, input={"credential": credential, **more}).data["tokenAuthWithCode"]
