"""Google."""

from dataclasses import dataclass

from accounts.conf import Provider
from accounts.social.claims import Verified
from accounts.social.providers.authorization import STANDARD_PROMPTS, Prompt
from accounts.social.providers.codes import CodeVerifier, IdTokenAndUserinfo, first_client_id
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import Exchange
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.userinfo import Userinfo


def google(provider: Provider) -> SocialProvider:
    """All kinds; codes need the secret of the web client."""
    # With and without the scheme, as Google documents.
    issuers = (provider.issuer, provider.issuer.removeprefix("https://"))
    discovery = Discovery(issuers=(provider.issuer,))
    id_tokens = IdTokenVerifier(discovery=discovery, allowed_issuers=lambda _content: issuers)
    userinfo = Userinfo(discovery=discovery)
    codes = CodeVerifier(
        discovery=discovery,
        tokens=IdTokenAndUserinfo(id_tokens=id_tokens, userinfo=userinfo),
        client_id=client_id_of,
    )
    return SocialProvider(
        settings=provider,
        discovery=discovery,
        id_tokens=id_tokens,
        codes=codes if provider.client_secret else None,
        access_tokens=TokeninfoVerifier(userinfo=userinfo),
        # Google refuses a request with a prompt that it does not know.
        prompts={prompt: STANDARD_PROMPTS[prompt] for prompt in (Prompt.SELECT_ACCOUNT, Prompt.CONSENT)},
        popup_redirect_uri="postmessage",
    )


@dataclass(frozen=True, kw_only=True)
class TokeninfoVerifier:
    """Verifies access tokens by tokeninfo, then userinfo."""

    userinfo: Userinfo

    def verify(self, access_token: str, exchange: Exchange) -> Verified:
        """Check the token by POST, as Google's client libraries do: this keeps it out of the URL. Then ask userinfo."""
        client_ids = exchange.provider.client_ids
        token = exchange.ask_as_bearer(exchange.provider.endpoints.tokeninfo, token=access_token, method="POST")
        audience, party = token.get("aud"), token.get("azp", token.get("aud"))
        if audience not in client_ids:
            exchange.refuse_foreign(audience)
        if party not in client_ids:
            exchange.refuse_foreign(party)
        return self.userinfo.verified(access_token, token=token, exchange=exchange)


def client_id_of(provider: Provider, redirect_uri: str) -> str:
    """The client id of an app's redirect URI, which begins with it, the labels reversed; else that of web pages."""
    scheme = redirect_uri.partition(":")[0].lower()
    for client_id in provider.client_ids:
        if scheme == ".".join(reversed(client_id.lower().split("."))):
            return client_id
    return first_client_id(provider, redirect_uri)
