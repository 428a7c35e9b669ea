"""Authorization requests: the URL at which a person is asked whether we may know them (RFC 6749 §4.1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode, urlsplit

from accounts.conf import Provider


class Prompt(Enum):
    """The `prompt` of an authorization request (OpenID Connect Core §3.1.2.1)."""

    SELECT_ACCOUNT = "select_account"
    LOGIN = "login"
    CONSENT = "consent"


Prompts = Mapping[Prompt, Mapping[str, str]]
"""The parameters that make a provider ask; a prompt that it does not know is left out."""

STANDARD_PROMPTS: Prompts = {prompt: {"prompt": prompt.value} for prompt in Prompt}


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """One request for a code, with PKCE (RFC 7636)."""

    redirect_uri: str
    state: str
    nonce: str
    code_challenge: str
    login_hint: str
    prompt: Prompt | None

    def url(self, endpoint: str, provider: Provider, parameters: Mapping[str, str]) -> str:
        """The URL to send the browser to; `parameters` are the provider's own."""
        query = {
            "client_id": provider.client_ids[0],
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": " ".join(provider.scopes),
            "state": self.state,
            "code_challenge": self.code_challenge,
            "code_challenge_method": "S256",
            **({"nonce": self.nonce} if "openid" in provider.scopes else {}),
            **({"login_hint": self.login_hint} if self.login_hint else {}),
            **parameters,
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"
