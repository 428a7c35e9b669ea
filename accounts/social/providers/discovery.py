"""Finds the endpoints of a provider (OpenID Connect Discovery 1.0)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from accounts.conf import latchkey
from accounts.social.claims import Content, text
from accounts.social.providers import published
from accounts.social.providers.exchange import Exchange

PUBLISHED_AS = {
    "authorization": "authorization_endpoint",
    "token": "token_endpoint",
    "jwks": "jwks_uri",
    "userinfo": "userinfo_endpoint",
    "introspection": "introspection_endpoint",
    "revocation": "revocation_endpoint",
}
"""The names of endpoints in the settings, and in the discovery document."""


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """A provider's endpoints: those of the settings, else those of its discovery document.

    `issuers` are the issuers that the document may name.
    """

    issuers: tuple[str, ...]

    def endpoint(self, name: str, exchange: Exchange) -> str:
        """The URL of an endpoint. Raises ProviderUnavailable, also if there is none."""
        url = self.optional_endpoint(name, exchange)
        if not url:
            raise exchange.unavailable(f"no {PUBLISHED_AS[name]} is published")
        return url

    def optional_endpoint(self, name: str, exchange: Exchange) -> str:
        """The URL of an endpoint; empty if the provider has none. Raises ProviderUnavailable."""
        configured: str = getattr(exchange.provider.endpoints, name)
        if configured:
            return configured
        url = f"{exchange.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        document = published.remembered("discovery", url, exchange, lambda: self._document(url, exchange))
        found = text(document.get(PUBLISHED_AS[name]))
        return found if _is_web(found) else ""

    def _document(self, url: str, exchange: Exchange) -> Content:
        document = load(url, exchange)
        if document.get("issuer") not in self.issuers:
            # OpenID Connect Discovery §4.3: otherwise one provider could speak for another.
            raise exchange.unavailable(f"{url} speaks for {document.get('issuer')!a:.200}")
        return document


def load(url: str, exchange: Exchange) -> Content:
    """Load a published JSON object. Raises ProviderUnavailable."""
    content: Content = exchange.content_of(exchange.ask(url), url)
    return content


def _is_web(url: str) -> bool:
    """Whether the URL is http(s). Browsers are sent to one of these, and would run `javascript:`."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.port != 0) and parts.scheme in (
            {"https", "http"} if latchkey().private_providers else {"https"}
        )
    except ValueError:
        return False
