"""ID tokens (OpenID Connect Core §2)."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import jwt
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey
from accounts.social import refusals
from accounts.social.claims import SUBJECT, ClaimsReader, Content, Verified
from accounts.social.credentials import Credential, CredentialKind
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import Exchange
from accounts.social.providers.jwts import LEEWAY, UNREADABLE, signed_content

REQUIRED = ("iss", "sub", "aud", "exp", "iat")
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class IdTokenVerifier:
    """Verifies ID tokens (OpenID Connect Core §3.1.3.7)."""

    discovery: Discovery
    allowed_issuers: Callable[[Content], tuple[str, ...]]
    """The issuers that may have signed a token with this content."""
    claims: ClaimsReader = field(default_factory=ClaimsReader)

    def verify(self, id_token: str, *, nonces: tuple[str, ...], exchange: Exchange) -> Verified:
        """Verify that the token was issued for us; if nonces are given, it must contain one of them.

        Raises ProviderRejected, ProviderUnavailable.
        """
        content = signed_content(
            id_token,
            discovery=self.discovery,
            exchange=exchange,
            refuse=lambda cause: exchange.rejected(f"ID token {cause}"),
            require=REQUIRED,
        )
        if content["iss"] not in self.allowed_issuers(content):
            raise exchange.rejected(f"issued by {content['iss']!a:.200}")
        _check_audience(content, exchange)
        if nonces and not (isinstance(content.get("nonce"), str) and content["nonce"] in nonces):
            raise exchange.rejected(
                "ID token with another nonce" if content.get("nonce") else "ID token without its nonce"
            )
        oldest = time.time() - latchkey().id_token_max_age - LEEWAY
        if content["iat"] < oldest:
            raise exchange.rejected(f"ID token issued {round(oldest - content['iat'])} s too long ago")
        if "events" in content:
            raise exchange.rejected("a logout token or another security event")
        if not SUBJECT.fullmatch(content["sub"]):
            raise exchange.rejected("ID token without a usable subject")
        return Verified(
            claims=self.claims.read(content),
            amr=_amr(content),
            answer={"id_token": id_token, "claims": content},
        )


def _check_audience(content: Content, exchange: Exchange) -> None:
    """Check that the token was issued to us (OpenID Connect Core §3.1.3.7, 3 to 5). Raises ProviderRejected.

    A foreign audience, such as the project of a client, is accepted if `azp` is one of our client ids.
    """
    client_ids, party = exchange.provider.client_ids, content.get("azp")
    audiences = content["aud"] if isinstance(content["aud"], list) else [content["aud"]]
    if not any(one in client_ids for one in audiences) or not all(isinstance(one, str) for one in audiences):
        exchange.refuse_foreign(content["aud"])
    if party is None and not all(one in client_ids for one in audiences):
        raise exchange.rejected(f"for foreign audiences too, without azp: {audiences!a:.200}")
    if party is not None and party not in client_ids:
        exchange.refuse_foreign(party)


def _amr(content: Content) -> frozenset[str]:
    """How the person was authenticated (OpenID Connect Core §2); nothing if that is malformed."""
    methods = content.get("amr")
    return (
        frozenset(methods)
        if isinstance(methods, list) and all(isinstance(one, str) for one in methods)
        else frozenset()
    )


def nonce_forms(nonce: str | None) -> tuple[str, ...]:
    """The forms in which a token may contain the nonce: some SDKs send the provider its SHA-256."""
    return (nonce, hashlib.sha256(nonce.encode()).hexdigest()) if nonce else ()


def check_field(credential: Credential, *, provider: str) -> None:
    """Refuse a token in the wrong input field, and say which is right. Raises ProviderRejected."""
    is_jwt = JWT.fullmatch(credential.value)
    field = ("credential", credential.kind.value)
    if credential.kind is CredentialKind.ACCESS_TOKEN and is_jwt and is_id_token(credential.value):
        raise refusals.rejected(
            provider,
            "an ID token, sent as an access token",
            field=field,
            message=_("This is an ID token: send it as `credential.idToken`."),
        )
    if credential.kind is CredentialKind.ID_TOKEN and not is_jwt:
        raise refusals.rejected(
            provider,
            "no ID token by its form",
            field=field,
            message=_("This is not an ID token. If it is an access token, send it as `credential.accessToken`."),
        )


def is_id_token(value: str) -> bool:
    """Whether the value looks like an ID token: a JWT with iss, sub and aud but no scope claim."""
    try:
        content = jwt.decode(value, options={"verify_signature": False})
    except UNREADABLE:
        return False
    return {"iss", "sub", "aud"} <= content.keys() and not content.keys() & {"scope", "scp"}
