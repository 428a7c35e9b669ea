"""The providers that do not do as OpenID Connect says, and how."""

import hashlib
import hmac
import re
import time
from typing import Any

import jwt

from accounts.conf import AppleProvider
from accounts.social.base import Claims, Verified, is_true, text
from accounts.social.credentials import CredentialKind
from accounts.social.http import Answer
from accounts.social.openid import OpenIDConnect, basic

GUID = re.compile(r"[0-9a-fA-F-]{36}")
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of private Microsoft accounts."""
NOT_FOUND = 404
UNPROCESSABLE = 422


class Google(OpenIDConnect):
    """Google. Any application's token opens userinfo, so tokeninfo is asked first whom it is for."""

    popup_redirect_uri = "postmessage"

    @property
    def kinds(self) -> tuple[CredentialKind, ...]:
        """Codes take the secret of the web client."""
        code = (CredentialKind.CODE,) if self.provider.client_secret else ()
        return (CredentialKind.ID_TOKEN, *code, CredentialKind.ACCESS_TOKEN)

    def allowed_issuers(self, content: dict[str, Any]) -> tuple[str, ...]:
        """With and without the scheme, as Google documents."""
        return (self.provider.issuer, self.provider.issuer.removeprefix("https://"))

    def verify_access_token(self, access_token: str) -> Verified:
        """See VerifyingBackend. Google's own client libraries ask in this way, with no token in a URL."""
        token = self.ask_about(self.provider.endpoints.tokeninfo, bearer=access_token, method="POST")
        ours = self.provider.client_ids
        audience, party = token.get("aud"), token.get("azp", token.get("aud"))
        if audience not in ours:
            self.for_another(audience)
        if party not in ours:
            self.for_another(party)
        return self.person_of(access_token, token)

    def client_id_for(self, redirect_uri: str) -> str:
        """An app's redirect URI begins with its client id, the labels reversed."""
        scheme = redirect_uri.partition(":")[0].lower()
        for client_id in self.provider.client_ids:
            if scheme == ".".join(reversed(client_id.lower().split("."))):
                return client_id
        return super().client_id_for(redirect_uri)


class Apple(OpenIDConnect):
    """Apple. Our secret is a token that we sign; names are told to the device alone, once."""

    provider: AppleProvider

    @property
    def kinds(self) -> tuple[CredentialKind, ...]:
        """Codes take the key to sign with."""
        return (CredentialKind.ID_TOKEN, *((CredentialKind.CODE,) if self.provider.private_key else ()))

    def authorization_extras(self) -> dict[str, str]:
        """Whoever asks for name or address gets the answer as a POST of the browser."""
        return {"response_mode": "form_post"} if {"name", "email"} & set(self.provider.scopes) else {}

    def client_secret(self) -> str:
        """https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret."""
        own, now = self.provider, int(time.time())
        content = {
            "iss": own.team_id,
            "iat": now,
            "exp": now + 300,
            "aud": own.issuer,
            "sub": own.client_ids[0],
        }
        return jwt.encode(content, own.private_key, algorithm="ES256", headers={"kid": own.key_id})


class Microsoft(OpenIDConnect):
    """Microsoft Entra ID. Issuers differ by tenant; addresses are what administrators of a tenant have typed."""

    @property
    def kinds(self) -> tuple[CredentialKind, ...]:
        """Access tokens are for Microsoft's own APIs, and nobody else can tell whom they were issued to."""
        return (CredentialKind.ID_TOKEN, *((CredentialKind.CODE,) if self.provider.client_secret else ()))

    def allowed_issuers(self, content: dict[str, Any]) -> tuple[str, ...]:
        """For applications of several tenants, that of the tenant which the token names."""
        tenant = content.get("tid")
        if not isinstance(tenant, str) or not GUID.fullmatch(tenant):
            return ()
        return (self._template.replace("{tenantid}", tenant),)

    def discovered_issuers(self) -> tuple[str, ...]:
        """The template itself."""
        return (self._template,)

    @property
    def _template(self) -> str:
        issuer = self.provider.issuer.replace("/consumers/", f"/{CONSUMERS}/")
        return re.sub(r"/(common|organizations)/v2\.0$", "/{tenantid}/v2.0", issuer)

    def email_verified(self, content: dict[str, Any]) -> bool:
        """Only where the tenant is known to own the address's domain: else any tenant could name any address."""
        return content.get("xms_edov") in (True, 1, "1", "true")


class Facebook(OpenIDConnect):
    """Facebook. `debug_token` tells whom a token is for, to who shows the app's secret (S30)."""

    rate_limits = frozenset({4, 17, 32, 613})
    """https://developers.facebook.com/docs/graph-api/overview/rate-limiting"""
    kinds = (CredentialKind.ACCESS_TOKEN, CredentialKind.ID_TOKEN, CredentialKind.CODE)

    def email_verified(self, content: dict[str, Any]) -> bool:
        """Facebook does not say whether it has verified an address: what is not said is not so (S32)."""
        return False

    def blames_us(self, refusal: dict[str, Any]) -> bool:
        """Graph's codes: 1 and 101, "error validating client secret" and "application"."""
        error = refusal.get("error")
        return isinstance(error, dict) and _code(error) in {1, 101}

    def verify_tokens(self, tokens: dict[str, Any], *, nonce: str | None) -> Verified:
        """Codes give access tokens."""
        return self.verify_access_token(text(tokens.get("access_token")))

    def verify_access_token(self, access_token: str) -> Verified:
        """See VerifyingBackend. Facebook wants `input_token` in the URL; no URL is logged with its query."""
        app_id, secret, graph = self.provider.client_ids[0], self.provider.client_secret, self.provider.endpoints.api
        token = self.ask_about(f"{graph}/debug_token", bearer=f"{app_id}|{secret}", input_token=access_token).get(
            "data"
        )
        if not isinstance(token, dict):
            raise self.unavailable("debug_token without data")
        if token.get("is_valid") is not True:
            raise self.rejected("token not valid")
        if str(token.get("app_id")) != app_id:
            self.for_another(token.get("app_id"))
        proof = hmac.new(secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
        person = self.ask_about(
            f"{graph}/me", bearer=access_token, fields="id,first_name,last_name,email", appsecret_proof=proof
        )
        claims = Claims(
            sub=self.subject(person.get("id")),
            email=text(person.get("email")),
            given_name=text(person.get("first_name")),
            family_name=text(person.get("last_name")),
        )
        if str(token.get("user_id")) != claims.sub:
            raise self.rejected("debug_token and /me speak of two people")
        return Verified(claims=claims, answer={"access_token": access_token, "claims": person})

    def refuses(self, answer: Answer) -> bool:
        """Facebook says with the same statuses that it is busy."""
        error = answer.content.get("error") if isinstance(answer.content, dict) else None
        if isinstance(error, dict) and (error.get("is_transient") is True or _code(error) in self.rate_limits):
            return False
        return super().refuses(answer)


def _code(error: dict[str, Any]) -> int | None:
    """Graph's, if there is one."""
    code = error.get("code")
    return code if isinstance(code, int) else None


class GitHub(OpenIDConnect):
    """GitHub: OAuth without OpenID. Its API tells the owner of an application whether a token is for it."""

    kinds = (CredentialKind.CODE, CredentialKind.ACCESS_TOKEN)

    def verify_tokens(self, tokens: dict[str, Any], *, nonce: str | None) -> Verified:
        """Codes give access tokens."""
        return self.verify_access_token(text(tokens.get("access_token")))

    def verify_access_token(self, access_token: str) -> Verified:
        """https://docs.github.com/en/rest/apps/oauth-applications#check-a-token, then whose it is."""
        client_id, api = self.provider.client_ids[0], self.provider.endpoints.api
        url = f"{api}/applications/{client_id}/token"
        answer = self.ask(
            url,
            method="POST",
            authorization=basic(client_id, self.provider.client_secret),
            content={"access_token": access_token},
        )
        if answer.status in {NOT_FOUND, UNPROCESSABLE}:
            raise self.rejected("unknown token, or issued to another application")
        check = self.content_of(answer, url)
        application, owner = check.get("app"), check.get("user")
        if not isinstance(application, dict) or not isinstance(owner, dict):
            raise self.unavailable(f"no application or user at {url}")
        if application.get("client_id") != client_id:
            self.for_another(application.get("client_id"))
        person = self.ask_about(f"{api}/user", bearer=access_token)
        number = person.get("id")
        if type(number) is not int or owner.get("id") != number:
            raise self.rejected("the check and /user speak of two people")
        email, verified = self._address(access_token, f"{api}/user/emails")
        claims = self.claims({**person, "sub": str(number), "email": email, "email_verified": verified})
        return Verified(claims=claims, answer={"access_token": access_token, "claims": person})

    def _address(self, access_token: str, url: str) -> tuple[str, bool]:
        """The primary address and whether GitHub has verified it; none without the scope `user:email`."""
        answer = self.ask(url, authorization=f"Bearer {access_token}")
        if answer.status in {401, 403, NOT_FOUND}:
            return "", False
        for entry in self.content_of(answer, url, list):
            if isinstance(entry, dict) and entry.get("primary") is True:
                return text(entry.get("email")), is_true(entry.get("verified"))
        return "", False
