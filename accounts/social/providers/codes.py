"""Authorization codes (RFC 6749 §4.1)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from accounts.conf import Provider
from accounts.social.claims import Content, Verified, text
from accounts.social.credentials import AuthorizationCode
from accounts.social.errors import ProviderRejected, ProviderUnavailable
from accounts.social.providers.access_tokens import AccessTokenVerifier
from accounts.social.providers.client_authentication import client_credentials
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import OK, Exchange
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.userinfo import Userinfo

BAD_CLIENT = ("invalid_client", "unauthorized_client", "incorrect_client_credentials")
"""RFC 6749 §5.2; the last one is GitHub's."""
REFUSALS = ("invalid_request", "invalid_grant", "unsupported_grant_type", "invalid_scope", "bad_verification_code")
"""The same. Other texts of an answer are not repeated, not even in the log (S37)."""


class TokensVerifier(Protocol):
    """Verifies the tokens that a provider returned for a code."""

    def verify(self, tokens: Content, *, nonce: str | None, exchange: Exchange) -> Verified:
        """Return the holder of the tokens. Raises ProviderRejected, ProviderUnavailable."""


def first_client_id(provider: Provider, _redirect_uri: str) -> str:
    """The client id of web pages."""
    return provider.client_ids[0]


def configured_secret(provider: Provider) -> str:
    """The secret of the settings; empty for a public client."""
    return provider.client_secret


def is_bad_client(refusal: Content) -> bool:
    """Whether a token endpoint refuses our own client id or secret (RFC 6749 §5.2)."""
    return refusal.get("error") in BAD_CLIENT


@dataclass(frozen=True, kw_only=True)
class CodeVerifier:
    """Redeems authorization codes. Only the holder of our secret or PKCE verifier gets tokens, so they are for us."""

    discovery: Discovery
    tokens: TokensVerifier
    client_id: Callable[[Provider, str], str] = first_client_id
    """The client id that a code with this redirect URI was requested with."""
    client_secret: Callable[[Provider], str] = configured_secret
    is_bad_client: Callable[[Content], bool] = is_bad_client

    def verify(self, code: AuthorizationCode, exchange: Exchange) -> Verified:
        """Redeem the code (RFC 6749 §4.1.3) and verify the tokens. Raises ProviderRejected, ProviderUnavailable."""
        provider = exchange.provider
        url = self.discovery.endpoint("token", exchange)
        form = {
            "grant_type": "authorization_code",
            "code": code.value,
            "redirect_uri": code.redirect_uri,
            **({"code_verifier": code.code_verifier} if code.code_verifier else {}),
        }
        authorization, credentials = client_credentials(
            provider, self.client_id(provider, code.redirect_uri), self.client_secret(provider)
        )
        answer = exchange.ask(url, method="POST", authorization=authorization, form={**form, **credentials})
        # Trouble on the provider's side is no refusal of the code, whatever the body says.
        tokens: Content = answer.content if exchange.refuses(answer) else exchange.content_of(answer, url)
        if self.is_bad_client(tokens):
            raise exchange.unavailable(f"{url} refuses our client id and secret")
        # GitHub and others refuse with status 200.
        if "error" in tokens or answer.status != OK:
            error = tokens.get("error") if tokens.get("error") in REFUSALS else "another error"
            raise exchange.rejected(f"code refused: {error} (HTTP {answer.status})")
        verified = self.tokens.verify(tokens, nonce=code.nonce, exchange=exchange)
        return replace(verified, answer={**verified.answer, **tokens})


@dataclass(frozen=True, kw_only=True)
class IdTokenAndUserinfo:
    """Verifies the ID token, and adds from userinfo what it lacks (OpenID Connect Core §5.4).

    The ID token is verified although it came over TLS: one rule for all.
    """

    id_tokens: IdTokenVerifier
    userinfo: Userinfo

    def verify(self, tokens: Content, *, nonce: str | None, exchange: Exchange) -> Verified:
        """Verify the ID token, and complete its claims from userinfo."""
        id_token, access_token = tokens.get("id_token"), text(tokens.get("access_token"))
        if not isinstance(id_token, str):
            raise exchange.not_understood("no ID token came for the code: is `openid` among the scopes?")
        verified = self.id_tokens.verify(id_token, nonces=(nonce,) if nonce else (), exchange=exchange)
        reader, content = self.id_tokens.claims, verified.answer["claims"]
        url = self.userinfo.discovery.optional_endpoint("userinfo", exchange)
        if not (access_token and url and reader.userinfo_may_add(content)):
            return verified
        try:
            person = self.userinfo.ask(url, access_token, exchange)
        except (ProviderRejected, ProviderUnavailable):
            if verified.claims.email:
                # The person can be asked for what userinfo would have added.
                return verified
            raise
        if person["sub"] != content["sub"]:
            # §5.3.2
            raise exchange.rejected("the ID token's subject is not that of userinfo")
        merged = reader.merge(content, person)
        # `amr` stays that of the ID token, which is signed.
        return replace(verified, claims=reader.read(merged), answer={**verified.answer, "claims": merged})


@dataclass(frozen=True, kw_only=True)
class AccessTokenOnly:
    """Verifies the access token, for providers that return no ID token."""

    access_tokens: AccessTokenVerifier

    def verify(self, tokens: Content, *, nonce: str | None, exchange: Exchange) -> Verified:
        """Verify the access token; there is no nonce."""
        return self.access_tokens.verify(text(tokens.get("access_token")), exchange)
