"""Any OpenID provider (OpenID Connect Core 1.0), known by its issuer and its discovery document alone."""

from accounts.conf import Provider
from accounts.social.providers.access_tokens import IntrospectionVerifier
from accounts.social.providers.codes import CodeVerifier, IdTokenAndUserinfo
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.userinfo import Userinfo


def openid_connect(provider: Provider) -> SocialProvider:
    """ID tokens and codes; access tokens only if the provider can be asked whom they were issued to."""
    issuers = (provider.issuer,)
    discovery = Discovery(issuers=issuers)
    id_tokens = IdTokenVerifier(discovery=discovery, allowed_issuers=lambda _content: issuers)
    userinfo = Userinfo(discovery=discovery)
    return SocialProvider(
        settings=provider,
        discovery=discovery,
        id_tokens=id_tokens,
        codes=CodeVerifier(discovery=discovery, tokens=IdTokenAndUserinfo(id_tokens=id_tokens, userinfo=userinfo)),
        access_tokens=IntrospectionVerifier(discovery=discovery, userinfo=userinfo) if provider.introspection else None,
    )
