"""An OpenID provider: discovery, keys, ID tokens, codes with PKCE, userinfo and introspection (RFC 7662)."""

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.providers.keys import Key, key

Reply = tuple[int, Any]
INVALID_CLIENT: Reply = (401, {"error": "invalid_client"})
INVALID_GRANT: Reply = (400, {"error": "invalid_grant"})


@dataclass
class Grant:
    """What a code was given for."""

    client_id: str
    redirect_uri: str
    code_challenge: str | None
    id_token: str | None
    access_token: str


@dataclass
class Issuer:
    """One of them. `secrets_of` tells the secret of each client; None for a public one."""

    url: str
    secrets_of: dict[str, str | None]
    person: dict[str, Any]
    published_issuer: str = ""
    """Where discovery says something else than tokens do (Microsoft's template)."""
    basic: bool = False
    """Whether clients authenticate in the header; else in the form."""
    check_secret: Callable[[str, str], bool] | None = None
    keys: list[Key] = field(default_factory=list)
    """Of its own: who looks among another provider's keys finds nothing."""
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Access tokens: for which client, and of whom."""
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    """For which client."""
    revoked: list[str] = field(default_factory=list)
    """The tokens that were revoked, in order."""
    without: tuple[str, ...] = ()
    """What discovery leaves out."""

    @property
    def client(self) -> str:
        """The first one."""
        return next(iter(self.secrets_of))

    def __post_init__(self) -> None:
        self.keys = [key(f"{self.url.partition('//')[2].partition('/')[2]}:rs"), self.elliptic]

    @property
    def elliptic(self) -> Key:
        """The second one."""
        return key(f"{self.url.partition('//')[2].partition('/')[2]}:es", "ES256")

    def rotate(self, *kids: str) -> None:
        """Publish these keys only."""
        self.keys = [key(kid) for kid in kids]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Of an ID token for the first client, just now; None takes a claim away."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client, "iat": now, "exp": now + 3600, **self.person, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def id_token(self, *, signed_by: Key | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Signed with the first published key."""
        return (signed_by or self.keys[0]).sign(self.claims(**changes), **(header or {}))

    def access_token(self, *, client: str | None = None, **changes: Any) -> str:
        """For userinfo and introspection."""
        token = f"at-{secrets.token_urlsafe(24)}"
        person = {name: value for name, value in {**self.person, **changes}.items() if value is not None}
        self.tokens[token] = (client or self.client, person)
        return token

    def code(
        self,
        *,
        redirect_uri: str = "",
        verifier: str | None = None,
        code_challenge: str | None = None,
        nonce: str | None = None,
        client: str | None = None,
        in_id_token: bool = True,
        id_token: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """As the redirect would bring it; without a redirect URI, as a device gets it. `verifier` stands for its S256.

        `id_token` is what the ID token says otherwise than userinfo.
        """
        client = client or self.client
        told = changes if in_id_token else dict.fromkeys(set(self.person) - {"sub"}) | changes
        signed = self.id_token(**{"aud": client, "nonce": nonce, **told, **(id_token or {})}) if self.keys else None
        code = f"code-{secrets.token_urlsafe(12)}"
        access_token = self.access_token(client=client, **changes)
        challenge = s256(verifier) if verifier else code_challenge
        self.codes[code] = Grant(client, redirect_uri, challenge, signed, access_token)
        return code

    def authorize(self, url: str, **changes: Any) -> dict[str, str]:
        """What comes back to the redirect URI after somebody agreed. Fails for a request that a provider refuses."""
        asked = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        assert len(asked) == len(parse_qsl(urlsplit(url).query)), "a parameter comes twice"
        assert asked["response_type"] == "code"
        assert asked["client_id"] in self.secrets_of
        assert asked["code_challenge_method"] == "S256"
        assert re.fullmatch(r"[\w-]{43}", asked["code_challenge"])
        assert asked.get("response_mode", "query") == ("form_post" if "name" in asked["scope"].split() else "query")
        assert not self.keys or "openid" in asked["scope"].split()
        code = self.code(
            redirect_uri=asked["redirect_uri"],
            code_challenge=asked["code_challenge"],
            nonce=asked.get("nonce"),
            client=asked["client_id"],
            **changes,
        )
        return {"code": code, "state": asked["state"]}

    def answer(self, endpoint: str, asked: Any) -> Reply:
        """To a request below the issuer's URL."""
        match asked.method, endpoint:
            case "GET", ".well-known/openid-configuration":
                return 200, self._discovery()
            case "GET", "jwks":
                return 200, {"keys": [one.jwk for one in self.keys]}
            case "POST", "token":
                return self._token(asked)
            case "GET", "userinfo":
                return self._userinfo(asked)
            case "POST", "introspect":
                return self._introspect(asked)
            case "POST", "revoke":
                return self._revoke(asked)
        return 404, {"error": "not_found"}

    def _discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.published_issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "introspection_endpoint": f"{self.url}/introspect",
            "revocation_endpoint": f"{self.url}/revoke",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        }
        return {name: value for name, value in document.items() if name not in self.without}

    def _token(self, asked: Any) -> Reply:
        form = asked.form
        client = self._authenticated(asked)
        if client is None:
            return INVALID_CLIENT
        grant = self.codes.get(form.get("code", ""))
        if form.get("grant_type") != "authorization_code" or grant is None or grant.client_id != client:
            return INVALID_GRANT
        del self.codes[form["code"]]
        proven = proves(grant.code_challenge, form)
        if grant.redirect_uri != form.get("redirect_uri", "") or not proven:
            return INVALID_GRANT
        refresh_token = f"rt-{secrets.token_urlsafe(24)}"
        self.refresh_tokens[refresh_token] = client
        return 200, {
            "access_token": grant.access_token,
            "expires_in": 3599,
            "token_type": "Bearer",
            "scope": "openid email profile",
            "refresh_token": refresh_token,
            **({"id_token": grant.id_token} if grant.id_token else {}),
        }

    def _userinfo(self, asked: Any) -> Reply:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, {"error": "invalid_token"}
        return 200, self.tokens[token][1]

    def _introspect(self, asked: Any) -> Reply:
        if self._authenticated(asked) is None:
            return INVALID_CLIENT
        client, person = self.tokens.get(asked.form.get("token", ""), (None, {}))
        if client is None:
            return 200, {"active": False}
        return 200, {"active": True, "client_id": client, "sub": person.get("sub"), "token_type": "Bearer"}

    def _revoke(self, asked: Any) -> Reply:
        """RFC 7009 §2.2: 200 and nothing, also for an unknown token."""
        client = self._authenticated(asked)
        if client is None:
            return INVALID_CLIENT
        token = asked.form.get("token", "")
        if self.refresh_tokens.get(token, client) != client:
            return INVALID_GRANT
        self.revoked.append(token)
        return 200, None

    def _authenticated(self, asked: Any) -> str | None:
        """The client, by the one way that it is registered with."""
        form = asked.form
        if self.basic:
            scheme, _, credentials = asked.headers.get("authorization", "").partition(" ")
            if scheme != "Basic" or "client_secret" in form:
                return None
            client, _, secret = base64.b64decode(credentials).decode().partition(":")
            client, secret = unquote(client), unquote(secret)
        else:
            client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if client not in self.secrets_of:
            return None
        if self.check_secret and secret:
            return client if self.check_secret(client, secret) else None
        return client if secret == (self.secrets_of[client] or "") else None


def proves(challenge: str | None, form: dict[str, str]) -> bool:
    """Whether the form holds the verifier; and none where there was no challenge (RFC 9700 §2.1.1)."""
    return challenge == (s256(form["code_verifier"]) if "code_verifier" in form else None)


def s256(verifier: str) -> str:
    """RFC 7636 §4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
