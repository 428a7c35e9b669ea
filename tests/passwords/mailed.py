"""Choosing a password by mail, as tests speak it."""

from typing import Any

from accounts.mails.models import Purpose
from tests.api import GraphQL
from tests.mails import link_token, typed_code

REQUEST_RESET = """
mutation ($input: RequestPasswordResetInput!) {
  requestPasswordReset(input: $input) { mailedCode { token expiresIn } errors { code field message } }
}
"""
RESET = "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { errors { code field message } } }"
SECURE = "mutation ($input: MailedTokenInput!) { secureAccount(input: $input) { errors { code field message } } }"
NEW = "a passphrase of the holder"


def request_reset(graphql: GraphQL, email: str, **more: Any) -> Any:
    """The payload of asking for a mail."""
    return graphql(REQUEST_RESET, input={"email": email, **more}).data["requestPasswordReset"]


def by_code(graphql: GraphQL, email: str) -> dict[str, Any]:
    """Ask for a mail: the credential of its code."""
    token = request_reset(graphql, email)["mailedCode"]["token"]
    return {"code": {"challengeToken": token, "code": typed_code(email, Purpose.RESET)}}


def by_link(graphql: GraphQL, email: str) -> dict[str, Any]:
    """Ask for a mail: the credential of its link."""
    request_reset(graphql, email)
    return {"linkToken": link_token(email, Purpose.RESET)}


def reset(graphql: GraphQL, credential: dict[str, Any], new: str = NEW) -> Any:
    """The payload of choosing a password."""
    return graphql(RESET, input={"credential": credential, "newPassword": new}).data["resetPassword"]


def secure(graphql: GraphQL, token: str) -> Any:
    """The payload of using the link of a notice."""
    return graphql(SECURE, input={"token": token}).data["secureAccount"]
