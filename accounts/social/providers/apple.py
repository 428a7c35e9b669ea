"""Apple. It sends names to the device only, at the first sign-in."""

import time

import jwt

from accounts.conf import AppleProvider
from accounts.social.providers.codes import CodeVerifier, IdTokenAndUserinfo
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.userinfo import Userinfo


def apple(provider: AppleProvider) -> SocialProvider:
    """ID tokens, and codes if there is a key to sign our secret with."""
    issuers = (provider.issuer,)
    discovery = Discovery(issuers=issuers)
    id_tokens = IdTokenVerifier(discovery=discovery, allowed_issuers=lambda _content: issuers)
    codes = CodeVerifier(
        discovery=discovery,
        tokens=IdTokenAndUserinfo(id_tokens=id_tokens, userinfo=Userinfo(discovery=discovery)),
        client_secret=lambda _provider: client_secret(provider),
    )
    # Apple returns a name or an address only by a POST of the browser.
    form_post = {"name", "email"} & set(provider.scopes)
    return SocialProvider(
        settings=provider,
        discovery=discovery,
        id_tokens=id_tokens,
        codes=codes if provider.private_key else None,
        prompts={},  # Apple always asks
        authorization_parameters={"response_mode": "form_post"} if form_post else {},
    )


def client_secret(provider: AppleProvider) -> str:
    """https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret."""
    now = int(time.time())
    content = {
        "iss": provider.team_id,
        "iat": now,
        "exp": now + 300,
        "aud": provider.issuer,
        "sub": provider.client_ids[0],
    }
    return jwt.encode(content, provider.private_key, algorithm="ES256", headers={"kid": provider.key_id})
