"""Apple. It sends names to the device only, at the first sign-in."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import jwt

from accounts.conf import AppleProvider
from accounts.social.claims import Content, text
from accounts.social.credentials import FORMS, CredentialKind
from accounts.social.providers.codes import CodeVerifier, IdTokenAndUserinfo, is_bad_client
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import OK, Exchange
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.userinfo import Userinfo

MOST_CLIENTS = 4
"""How many of our client ids are tried for one code."""


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


def revoke(code: str, *, provider: AppleProvider, subjects: Collection[str], field: tuple[str, ...]) -> None:
    """Redeem the code of an app, and revoke what Apple returns for it: the app must ask for consent again.

    https://developer.apple.com/documentation/signinwithapplerestapi/revoke-tokens. `subjects` are those that the code
    may belong to. Raises ProviderRejected, ProviderUnavailable.
    """
    with Exchange(provider, field=field) as exchange:
        if not FORMS[CredentialKind.CODE].fullmatch(code):
            raise exchange.rejected("empty, too long or not printable")
        if not provider.private_key:
            raise exchange.unavailable("no key to sign our secret with is configured")
        _Revocation(provider, exchange).of(code, subjects)


@dataclass(frozen=True)
class _Revocation:
    """The requests of one revocation, within one deadline."""

    provider: AppleProvider
    exchange: Exchange

    def of(self, code: str, subjects: Collection[str]) -> None:
        """Redeem the code, check whose it is, and revoke."""
        issuers = (self.provider.issuer,)
        discovery = Discovery(issuers=issuers)
        client, tokens = self._redeemed(code, discovery.endpoint("token", self.exchange))
        id_tokens = IdTokenVerifier(discovery=discovery, allowed_issuers=lambda _content: issuers)
        holder = id_tokens.verify(text(tokens.get("id_token")), nonces=(), exchange=self.exchange)
        if holder.claims.sub not in subjects:
            raise self.exchange.rejected("the code of another person")
        kind = "refresh_token" if tokens.get("refresh_token") else "access_token"
        url = discovery.endpoint("revocation", self.exchange)
        form = {"token": text(tokens.get(kind)), "token_type_hint": kind, **self._credentials(client)}
        answer = self.exchange.ask(url, method="POST", form=form)
        # A good answer is empty (RFC 7009 §2.2).
        if answer.status != OK:
            raise self.exchange.unavailable(f"HTTP {answer.status} at {url}")

    def _redeemed(self, code: str, url: str) -> tuple[str, Content]:
        """The client id that the code was issued to, and the tokens. A code does not say; apps come first."""
        web, *apps = self.provider.client_ids
        are_bad = []
        for client in (*apps, web)[:MOST_CLIENTS]:
            # Without a redirect URI: an app gets its code without one.
            form = {"grant_type": "authorization_code", "code": code, **self._credentials(client)}
            answer = self.exchange.ask(url, method="POST", form=form)
            if not self.exchange.refuses(answer):
                tokens: Content = self.exchange.content_of(answer, url)
                return client, tokens
            are_bad.append(is_bad_client(answer.content))
        if all(are_bad):
            raise self.exchange.unavailable(f"{url} refuses our client ids and secrets")
        raise self.exchange.rejected("code refused")

    def _credentials(self, client: str) -> dict[str, str]:
        return {"client_id": client, "client_secret": client_secret(self.provider, client)}


def client_secret(provider: AppleProvider, client_id: str = "") -> str:
    """https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret.

    For the first of our client ids, unless another is given.
    """
    now = int(time.time())
    content = {
        "iss": provider.team_id,
        "iat": now,
        "exp": now + 300,
        "aud": provider.issuer,
        "sub": client_id or provider.client_ids[0],
    }
    return jwt.encode(content, provider.private_key, algorithm="ES256", headers={"kid": provider.key_id})
