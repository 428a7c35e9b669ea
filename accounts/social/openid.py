"""Any OpenID provider (OpenID Connect Core 1.0): ID tokens, authorization codes, and access tokens by introspection."""

import base64
import hashlib
import re
import time
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from accounts.conf import latchkey
from accounts.social import issuers
from accounts.social.base import OK, SUBJECT, Claims, Verified, VerifyingBackend, is_true, text
from accounts.social.credentials import AuthorizationCode, Credential, CredentialKind

ALGORITHMS = ("RS256", "ES256")
"""Never what the token says alone: `none`, or HS256 with the public key as its secret (RFC 8725 §3.1)."""
REQUIRED = ("iss", "sub", "aud", "exp", "iat")
OURS = ("invalid_client", "unauthorized_client", "incorrect_client_credentials")
"""RFC 6749 §5.2; the last is GitHub's."""
REFUSALS = ("invalid_request", "invalid_grant", "unsupported_grant_type", "invalid_scope", "bad_verification_code")
"""Likewise. What else an answer says is not repeated, in no log either (S37)."""
LEEWAY = 30
"""Seconds by which clocks may differ."""
UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
"""What PyJWT raises for what is no JWT, and for a JWT with nonsense in it."""
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class OpenIDConnect(VerifyingBackend):
    """An OpenID provider that is known by its issuer and its discovery document alone."""

    @property
    def kinds(self) -> tuple[CredentialKind, ...]:
        """Access tokens only where the provider can be asked whom they are for."""
        by_introspection = (CredentialKind.ACCESS_TOKEN,) if self.provider.introspection else ()
        return (CredentialKind.ID_TOKEN, CredentialKind.CODE, *by_introspection)

    # ID tokens

    def recognise(self, credential: Credential) -> None:
        """Refuse a token that came in the other one's field, and say which is right. Raises ProviderRejected."""
        is_jwt = JWT.fullmatch(credential.value)
        if credential.kind is CredentialKind.ACCESS_TOKEN and is_jwt and is_id_token(credential.value):
            raise self.rejected(
                "an ID token, sent as an access token",
                message="This is an ID token: send it as `credential.idToken`.",
            )
        if credential.kind is CredentialKind.ID_TOKEN and not is_jwt:
            raise self.rejected(
                "not an ID token by its form",
                message="This is not an ID token. If it is an access token, send it as `credential.accessToken`.",
            )

    def verify_id_token(self, id_token: str, *, nonce: str | None) -> Verified:
        """See VerifyingBackend. OpenID Connect Core §3.1.3.7."""
        content = self._decoded(id_token)
        if content["iss"] not in self.allowed_issuers(content):
            raise self.rejected(f"issued by {content['iss']!a:.200}")
        self._check_audience(content)
        self._check_nonce(content, nonce)
        oldest = time.time() - latchkey().id_token_max_age - LEEWAY
        if int(content["iat"]) < oldest:
            raise self.rejected(f"ID token issued {round(oldest - int(content['iat']))} s too long ago")
        if "events" in content:
            raise self.rejected("a logout token or another security event")
        if not SUBJECT.fullmatch(str(content["sub"])):
            raise self.rejected("ID token without a usable subject")
        return Verified(claims=self.claims(content), answer={"id_token": id_token, "claims": content})

    def _decoded(self, id_token: str) -> dict[str, Any]:
        """The content, its signature, `exp`, `nbf` and `iat` checked. Raises ProviderRejected, ProviderUnavailable."""
        try:
            header = jwt.get_unverified_header(id_token)
        except UNREADABLE as error:
            raise self.rejected(f"ID token: {type(error).__name__}") from None
        # Of the header nothing else counts: not `jku`, `jwk` or `x5u`.
        algorithm, key_id = header.get("alg"), header.get("kid")
        if str(header.get("typ", "JWT")).lower() != "jwt":
            # RFC 8725 §3.11: an access token (`at+jwt`), a logout token.
            raise self.rejected(f"a JWT of the type {header.get('typ')!a:.40}")
        if algorithm not in ALGORITHMS:
            raise self.rejected(f"ID token signed with {algorithm!a:.40}")
        key = self._signing_key(key_id) if isinstance(key_id, str) and key_id else None
        if key is None or key.algorithm_name != algorithm:
            raise self.rejected(f"ID token signed with an unknown key {key_id!a:.100}")
        try:
            content: dict[str, Any] = jwt.decode(
                id_token,
                key.key,
                algorithms=[algorithm],
                leeway=LEEWAY,
                # Which audience came shall be told; and who may issue depends on the tenant.
                options={"require": list(REQUIRED), "verify_aud": False, "verify_iss": False},
            )
        except UNREADABLE as error:
            raise self.rejected(f"ID token: {type(error).__name__}") from None
        return content

    def _signing_key(self, key_id: str) -> jwt.PyJWK | None:
        url = self.endpoint("jwks", "jwks_uri")
        return issuers.signing_key(url, key_id, lambda: self._published(url))

    def allowed_issuers(self, content: dict[str, Any]) -> tuple[str, ...]:
        """Whom a token with this content may be by."""
        return (self.provider.issuer,)

    def _check_audience(self, content: dict[str, Any]) -> None:
        ours = self.provider.client_ids
        audience = content["aud"] if isinstance(content["aud"], list) else [content["aud"]]
        party = content.get("azp", audience[0] if len(audience) == 1 else None)
        if not audience or any(one not in ours for one in audience):
            self.for_another(content["aud"])
        if party not in ours:
            self.for_another(content.get("azp"))

    def _check_nonce(self, content: dict[str, Any], nonce: str | None) -> None:
        if nonce is None:
            return
        # Some SDKs hand the provider its SHA-256.
        forms = (nonce, hashlib.sha256(nonce.encode()).hexdigest())
        if not isinstance(content.get("nonce"), str) or content["nonce"] not in forms:
            raise self.rejected("ID token with another nonce" if content.get("nonce") else "ID token without its nonce")

    def claims(self, content: dict[str, Any]) -> Claims:
        """What the provider vouches for, of an ID token or of userinfo."""
        given_name, family_name = text(content.get("given_name")), text(content.get("family_name"))
        whole, local_part = text(content.get("name")).strip(), text(content.get("email")).partition("@")[0]
        if whole and not given_name and whole.casefold() != local_part.casefold():
            # Microsoft, GitHub and others tell the whole name alone; Auth0 the address, where it knows no name.
            given_name, _, family_name = whole.partition(" ")
        return Claims(
            sub=self.subject(content.get("sub")),
            email=text(content.get("email")),
            email_verified=self.email_verified(content),
            given_name=given_name,
            family_name=family_name,
        )

    def email_verified(self, content: dict[str, Any]) -> bool:
        """Whether the provider says that the address is the person's."""
        return is_true(content.get("email_verified"))

    # Authorization codes

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str, hint: str) -> str:
        """See VerifyingBackend. RFC 6749 §4.1.1, RFC 7636."""
        parameters = {
            "client_id": self.provider.client_ids[0],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(self.provider.scopes),
            "state": state,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
            **({"nonce": nonce} if "openid" in self.provider.scopes else {}),
            **({"login_hint": hint} if hint else {}),
            **self.authorization_extras(),
        }
        url = self.endpoint("authorization", "authorization_endpoint")
        return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(parameters)}"

    def authorization_extras(self) -> dict[str, str]:
        """Parameters that only this provider wants."""
        return {}

    def redeem(self, code: AuthorizationCode) -> Verified:
        """See VerifyingBackend. RFC 6749 §4.1.3."""
        url = self.endpoint("token", "token_endpoint")
        form = {
            "grant_type": "authorization_code",
            "code": code.value,
            "redirect_uri": code.redirect_uri,
            **({"code_verifier": code.code_verifier} if code.code_verifier else {}),
        }
        client_id = self.client_id_for(code.redirect_uri)
        authorization, credentials = self._client_credentials(client_id)
        answer = self.ask(url, method="POST", authorization=authorization, form={**form, **credentials})
        tokens = answer.content if isinstance(answer.content, dict) else {}
        if self.blames_us(tokens):
            raise self.unavailable(f"{url} does not take our client id and secret")
        # GitHub and others say no with 200.
        if "error" in tokens or self.refuses(answer):
            error = tokens.get("error") if tokens.get("error") in REFUSALS else "another error"
            raise self.rejected(f"code refused: {error} (HTTP {answer.status})")
        if answer.status != OK:
            raise self.unavailable(f"HTTP {answer.status} at {url}")
        verified = self.verify_tokens(tokens, nonce=code.nonce)
        return Verified(claims=verified.claims, answer={**verified.answer, **tokens})

    def blames_us(self, refusal: dict[str, Any]) -> bool:
        """Whether it is our own id or secret that a token endpoint refuses (RFC 6749 §5.2)."""
        return refusal.get("error") in OURS

    def verify_tokens(self, tokens: dict[str, Any], *, nonce: str | None) -> Verified:
        """What was given for a code: here, an ID token. Verified although it came over TLS: one rule for all.

        Many providers tell only at userinfo what they were asked for (OpenID Connect Core §5.4).
        """
        verified = self.verify_id_token(text(tokens.get("id_token")), nonce=nonce)
        access_token, userinfo = text(tokens.get("access_token")), self.published_endpoint("userinfo_endpoint")
        if verified.claims.email or not (access_token and userinfo):
            return verified
        person = self.ask_about(userinfo, bearer=access_token)
        if person.get("sub") != verified.claims.sub:
            # §5.3.2
            raise self.rejected("ID token and userinfo speak of two people")
        return Verified(claims=self.claims(person), answer={**verified.answer, "claims": person})

    def client_id_for(self, redirect_uri: str) -> str:
        """Which of our client ids a code was asked for with, where clients began the flow themselves."""
        return self.provider.client_ids[0]

    def client_secret(self) -> str:
        """What goes with the first of our client ids; empty for a public client."""
        return self.provider.client_secret

    def _client_credentials(self, client_id: str) -> tuple[str, dict[str, str]]:
        """The Authorization header, and what goes into the form (RFC 6749 §2.3.1)."""
        secret = self.client_secret() if client_id == self.provider.client_ids[0] else ""
        if not secret:
            return "", {"client_id": client_id}
        if self.provider.token_auth_method == "client_secret_basic":  # noqa: S105 - a method
            return basic(quote(client_id, safe=""), quote(secret, safe="")), {}
        return "", {"client_id": client_id, "client_secret": secret}

    # Access tokens

    def verify_access_token(self, access_token: str) -> Verified:
        """See VerifyingBackend. RFC 7662, then userinfo (OpenID Connect Core §5.3)."""
        url = self.endpoint("introspection", "introspection_endpoint")
        authorization, credentials = self._client_credentials(self.provider.client_ids[0])
        form = {"token": access_token, "token_type_hint": "access_token", **credentials}
        token = self.content_of(self.ask(url, method="POST", authorization=authorization, form=form), url)
        if token.get("active") is not True:
            raise self.rejected("access token not active")
        if token.get("client_id") not in self.provider.client_ids:
            self.for_another(token.get("client_id"))
        return self.person_of(access_token, token)

    def person_of(self, access_token: str, token: dict[str, Any]) -> Verified:
        """Whose it is, by userinfo; what was said of the token, that it is for us, has to agree."""
        person = self.ask_about(self.endpoint("userinfo", "userinfo_endpoint"), bearer=access_token)
        claims = self.claims(person)
        if token.get("sub", claims.sub) != claims.sub:
            raise self.rejected("what was said of the token and userinfo speak of two people")
        return Verified(claims=claims, answer={"access_token": access_token, "claims": person})

    # What the provider publishes

    def endpoint(self, name: str, published_as: str) -> str:
        """Where to ask: as configured, else as discovered. Raises ProviderUnavailable."""
        url: str = getattr(self.provider.endpoints, name) or self.published_endpoint(published_as)
        if not url:
            raise self.unavailable(f"no {published_as} is published")
        return url

    def published_endpoint(self, name: str) -> str:
        """As discovered; empty where the provider has none. Raises ProviderUnavailable."""
        url = f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = text(issuers.remembered("discovery", url, lambda: self._discovered(url)).get(name))
        return found if _is_web(found) else ""

    def _discovered(self, url: str) -> dict[str, Any]:
        document = self._published(url)
        if document.get("issuer") not in self.discovered_issuers():
            # OpenID Connect Discovery §4.3: else one provider could speak for another.
            raise self.unavailable(f"{url} speaks for {document.get('issuer')!a:.200}")
        return document

    def discovered_issuers(self) -> tuple[str, ...]:
        """Whom the discovery document may speak for."""
        return (self.provider.issuer,)

    def _published(self, url: str) -> dict[str, Any]:
        content: dict[str, Any] = self.content_of(self.ask(url), url)
        return content


def _is_web(url: str) -> bool:
    """Whether it is an address of the web: browsers are sent to one of these, where `javascript:` would be run."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.port != 0) and parts.scheme in (
            {"https", "http"} if latchkey().private_providers else {"https"}
        )
    except ValueError:
        return False


def is_id_token(value: str) -> bool:
    """Whether it looks like an ID token: a JWT about somebody for somebody, without the scope of an access token."""
    try:
        content = jwt.decode(value, options={"verify_signature": False})
    except UNREADABLE:
        return False
    return {"iss", "sub", "aud"} <= content.keys() and not content.keys() & {"scope", "scp"}


def basic(username: str, password: str) -> str:
    """RFC 7617."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
