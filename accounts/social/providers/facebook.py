"""Facebook: `debug_token` returns a token's app id; it requires the app secret (S30)."""

import hashlib
import hmac

from accounts.conf import Provider
from accounts.social.claims import Claims, ClaimsReader, Content, Verified, text
from accounts.social.credentials import CredentialKind
from accounts.social.providers.authorization import Prompt
from accounts.social.providers.codes import AccessTokenOnly, CodeVerifier
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import Exchange, is_refusal
from accounts.social.providers.http import Answer
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.provider import SocialProvider

RATE_LIMITS = frozenset({4, 17, 32, 613})
"""https://developers.facebook.com/docs/graph-api/overview/rate-limiting"""
BAD_APP = frozenset({1, 101})
""""Error validating client secret" and "application"."""


def facebook(provider: Provider) -> SocialProvider:
    """Access tokens, ID tokens of Limited Login, and codes, which return access tokens."""
    issuers = (provider.issuer,)
    discovery = Discovery(issuers=issuers)
    access_tokens = DebugTokenVerifier()
    return SocialProvider(
        settings=provider,
        discovery=discovery,
        id_tokens=IdTokenVerifier(
            discovery=discovery, allowed_issuers=lambda _content: issuers, claims=FacebookClaims()
        ),
        codes=CodeVerifier(
            discovery=discovery, tokens=AccessTokenOnly(access_tokens=access_tokens), is_bad_client=is_bad_app
        ),
        access_tokens=access_tokens,
        preference=(CredentialKind.ACCESS_TOKEN, CredentialKind.ID_TOKEN, CredentialKind.CODE),
        # https://developers.facebook.com/docs/facebook-login/guides/advanced/re-authentication
        prompts={Prompt.LOGIN: {"auth_type": "reauthenticate"}, Prompt.CONSENT: {"auth_type": "rerequest"}},
        is_refusal=is_facebook_refusal,
    )


class FacebookClaims(ClaimsReader):
    """Facebook does not say whether it has verified an address, so none counts as verified (S32)."""

    def email_verified(self, content: Content) -> bool:
        """Never."""
        return False


class DebugTokenVerifier:
    """Verifies access tokens by `debug_token`, then `/me`."""

    def verify(self, access_token: str, exchange: Exchange) -> Verified:
        """Check the token, then ask `/me`. `input_token` has to be in the URL; no URL is logged with its query."""
        provider = exchange.provider
        app_id, secret, graph = provider.client_ids[0], provider.client_secret, provider.endpoints.api
        token = exchange.ask_as_bearer(
            f"{graph}/debug_token", token=f"{app_id}|{secret}", input_token=access_token
        ).get("data")
        if not isinstance(token, dict):
            raise exchange.not_understood("debug_token without data")
        if token.get("is_valid") is not True:
            raise exchange.rejected("token not valid")
        if str(token.get("app_id")) != app_id:
            exchange.refuse_foreign(token.get("app_id"))
        proof = hmac.new(secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
        person = exchange.ask_as_bearer(
            f"{graph}/me", token=access_token, fields="id,first_name,last_name,email", appsecret_proof=proof
        )
        claims = Claims(
            sub=exchange.subject(person.get("id")),
            email=text(person.get("email")),
            given_name=text(person.get("first_name")),
            family_name=text(person.get("last_name")),
        )
        if str(token.get("user_id")) != claims.sub:
            raise exchange.rejected("debug_token and /me name two people")
        return Verified(claims=claims, answer={"access_token": access_token, "claims": person})


def is_bad_app(refusal: Content) -> bool:
    """Whether Graph refuses our own app id or secret."""
    return _code(refusal.get("error")) in BAD_APP


def is_facebook_refusal(answer: Answer) -> bool:
    """Whether Graph refuses the request. It says with the same statuses that it is busy."""
    error = answer.content.get("error") if isinstance(answer.content, dict) else None
    if isinstance(error, dict) and (error.get("is_transient") is True or _code(error) in RATE_LIMITS):
        return False
    return is_refusal(answer)


def _code(error: object) -> int | None:
    """Graph's error code, if there is one."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else None
