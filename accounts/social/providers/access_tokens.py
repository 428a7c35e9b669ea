"""Access tokens: the provider is asked whom one was issued to before anything else is done with it (S28)."""

from dataclasses import dataclass
from typing import Protocol

from accounts.social.claims import Verified
from accounts.social.providers.client_authentication import client_credentials
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import Exchange
from accounts.social.providers.userinfo import Userinfo


class AccessTokenVerifier(Protocol):
    """Verifies access tokens of one provider."""

    def verify(self, access_token: str, exchange: Exchange) -> Verified:
        """Return the holder of a token that was issued to us. Raises ProviderRejected, ProviderUnavailable."""


@dataclass(frozen=True, kw_only=True)
class IntrospectionVerifier:
    """Verifies access tokens by introspection (RFC 7662), then userinfo."""

    discovery: Discovery
    userinfo: Userinfo

    def verify(self, access_token: str, exchange: Exchange) -> Verified:
        """Introspect the token, then ask userinfo for its holder."""
        provider = exchange.provider
        url = self.discovery.endpoint("introspection", exchange)
        authorization, credentials = client_credentials(provider, provider.client_ids[0], provider.client_secret)
        form = {"token": access_token, "token_type_hint": "access_token", **credentials}
        token = exchange.content_of(exchange.ask(url, method="POST", authorization=authorization, form=form), url)
        if token.get("active") is not True:
            raise exchange.rejected("access token not active")
        if token.get("client_id") not in provider.client_ids:
            exchange.refuse_foreign(token.get("client_id"))
        return self.userinfo.verified(access_token, token=token, exchange=exchange)
