"""Passkeys, as tests ask for them by the API."""

from typing import Any

from tests.api import AUTH_PAYLOAD, GraphQL
from tests.authenticator import Authenticator

ERRORS = "errors { code field message }"
PASSKEY = "id credentialId name isSynced canSignIn createdAt lastUsedAt"
CEREMONY = "ceremony { token expiresIn options }"
BEGIN = f"""
mutation ($input: CreatePasskeyRegistrationInput) {{
  createPasskeyRegistration(input: $input) {{ {CEREMONY} {ERRORS} }}
}}
"""
ADD = f"""
mutation ($input: AddPasskeyInput!) {{
  addPasskey(input: $input) {{ passkey {{ {PASSKEY} }} account {{ id passkeys {{ id }} }} recoveryCodes {ERRORS} }}
}}
"""
RENAME = f"mutation ($input: RenamePasskeyInput!) {{ renamePasskey(input: $input) {{ passkey {{ name }} {ERRORS} }} }}"
REMOVE = f"""
mutation ($input: RemovePasskeyInput!) {{
  removePasskey(input: $input) {{ deletedPasskeyId account {{ passkeys {{ id }} }} {ERRORS} }}
}}
"""
ASK = f"""
mutation ($input: CreatePasskeyAssertionInput) {{ createPasskeyAssertion(input: $input) {{ {CEREMONY} {ERRORS} }} }}
"""
SIGN_IN = f"""
mutation ($input: TokenAuthWithPasskeyInput!) {{ tokenAuthWithPasskey(input: $input) {{ {AUTH_PAYLOAD} }} }}
"""
MINE = f"{{ me {{ passkeys {{ {PASSKEY} }} passkeyUser {{ rpId userHandle }} }} }}"


def begin(graphql: GraphQL, token: str | None, **given: Any) -> dict[str, Any]:
    """The payload of a registration that begins."""
    payload: dict[str, Any] = graphql(BEGIN, token=token, input=given).data["createPasskeyRegistration"]
    return payload


def begun(graphql: GraphQL, token: str | None, **given: Any) -> dict[str, Any]:
    """The ceremony of a registration."""
    payload = begin(graphql, token, **given)
    assert payload["errors"] == []
    ceremony: dict[str, Any] = payload["ceremony"]
    return ceremony


def creation(ceremony: dict[str, Any], authenticator: Authenticator) -> dict[str, Any]:
    """The input that adds a new passkey of this authenticator."""
    return {"challengeToken": ceremony["token"], "response": authenticator.create(ceremony["options"])}


def add(graphql: GraphQL, token: str | None, given: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The payload of adding a passkey."""
    payload: dict[str, Any] = graphql(ADD, token=token, input={**given, **more}).data["addPasskey"]
    return payload


def added(graphql: GraphQL, token: str | None, authenticator: Authenticator, **more: Any) -> dict[str, Any]:
    """The payload of a new passkey, from the beginning."""
    return add(graphql, token, creation(begun(graphql, token), authenticator), **more)


def ask(graphql: GraphQL, token: str | None = None, **given: Any) -> dict[str, Any]:
    """The payload of asking for a passkey."""
    payload: dict[str, Any] = graphql(ASK, token=token, input=given).data["createPasskeyAssertion"]
    return payload


def asked(graphql: GraphQL, token: str | None = None, **given: Any) -> dict[str, Any]:
    """The ceremony of an assertion."""
    payload = ask(graphql, token, **given)
    assert payload["errors"] == []
    ceremony: dict[str, Any] = payload["ceremony"]
    return ceremony


def answer(ceremony: dict[str, Any], authenticator: Authenticator) -> dict[str, Any]:
    """What a passkey answers to an assertion: the value of `passkey`."""
    return {"challengeToken": ceremony["token"], "response": authenticator.get(ceremony["options"])}


def sign_in(graphql: GraphQL, passkey: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The payload of a sign-in with this answer."""
    payload: dict[str, Any] = graphql(SIGN_IN, input={"passkey": passkey, **more}).data["tokenAuthWithPasskey"]
    return payload


def signed_in(graphql: GraphQL, authenticator: Authenticator, **more: Any) -> dict[str, Any]:
    """The payload of a sign-in, from the beginning."""
    return sign_in(graphql, answer(asked(graphql), authenticator), **more)
