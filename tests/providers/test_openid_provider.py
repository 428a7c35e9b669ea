"""oidc-provider by itself, without our code: what tests can rely on where they use it."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import jwt
import pytest

from tests.providers.openid_provider import (
    CLIENT,
    ES256_CLIENT,
    REDIRECT_URI,
    SECRET,
    NotReturned,
    OpenIDProvider,
    openid_provider,
)

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIDProvider]:
    """One for all of these."""
    with openid_provider() as started:
        yield started


def get(url: str, *, form: dict[str, str] | None = None, authorization: str = "") -> Any:
    """The JSON that it answers."""
    headers = {"Authorization": authorization} if authorization else {}
    with urlopen(Request(url, urlencode(form).encode() if form else None, headers), timeout=30) as response:
        return json.load(response)


def discovery(provider: OpenIDProvider) -> Any:
    """What it publishes."""
    return get(f"{provider.issuer}/.well-known/openid-configuration")


def basic(client: str) -> str:
    """RFC 6749 §2.3.1."""
    credentials = f"{client}:{quote(SECRET, safe='')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def authorization_url(provider: OpenIDProvider, client: str = CLIENT, **changes: str) -> str:
    """As we would make it."""
    parameters = {
        "client_id": client,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    parameters = {name: value for name, value in parameters.items() if value}
    return f"{discovery(provider)['authorization_endpoint']}?{urlencode(parameters)}"


def redeem(provider: OpenIDProvider, code: str, client: str = CLIENT, verifier: str = VERIFIER) -> Any:
    """Tokens for a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": verifier}
    return get(discovery(provider)["token_endpoint"], form=form, authorization=basic(client))


def verified(provider: OpenIDProvider, id_token: str, client: str = CLIENT) -> Any:
    """The content of an ID token; raises jwt.PyJWTError."""
    published = jwt.PyJWKSet.from_dict(get(discovery(provider)["jwks_uri"]))
    key = published[jwt.get_unverified_header(id_token)["kid"]]
    return jwt.decode(id_token, key, algorithms=["RS256", "ES256"], audience=client, issuer=provider.issuer)


@pytest.mark.parametrize(("client", "algorithm"), [(CLIENT, "RS256"), (ES256_CLIENT, "ES256")])
def test_a_person_signs_in(provider, client, algorithm):
    """Login, consent, code, tokens, userinfo, introspection; a code works once."""
    assert discovery(provider)["issuer"] == provider.issuer
    login = provider.person(f"grace-{algorithm}", email="grace@example.com")

    returned = provider.sign_in(authorization_url(provider, client), login=login)
    assert (returned["state"], returned["iss"]) == ("the-state", provider.issuer)
    tokens = redeem(provider, returned["code"], client)

    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == algorithm
    claims = verified(provider, tokens["id_token"], client)
    person = {
        "sub": login,
        "email": "grace@example.com",
        "email_verified": True,
        "given_name": "Ada",
        "family_name": "Lovelace",
        "name": "Ada Lovelace",
    }
    assert person.items() <= claims.items()
    assert claims["nonce"] == "the-nonce"
    found = discovery(provider)
    assert get(found["userinfo_endpoint"], authorization=f"Bearer {tokens['access_token']}") == person
    form = {"token": tokens["access_token"]}
    introspected = get(found["introspection_endpoint"], form=form, authorization=basic(client))
    assert (introspected["active"], introspected["client_id"], introspected["sub"]) == (True, client, login)
    with pytest.raises(HTTPError, match="400"):
        redeem(provider, returned["code"], client)


def test_the_verifier_counts(provider):
    """Another one is refused, and so is a request without a challenge."""
    code = provider.sign_in(authorization_url(provider))["code"]
    with pytest.raises(HTTPError, match="400"):
        redeem(provider, code, verifier="w" * 43)
    with pytest.raises(NotReturned, match="invalid_request"):
        provider.sign_in(authorization_url(provider, code_challenge="", code_challenge_method=""))


def test_keys_rotate(provider):
    """New keys at the same address; the old ones stay only if they are to."""
    id_token = redeem(provider, provider.sign_in(authorization_url(provider))["code"])["id_token"]
    kid = jwt.get_unverified_header(id_token)["kid"]

    assert kid in provider.rotate_keys(overlap=True)
    assert verified(provider, id_token)
    waiting = provider.sign_in(authorization_url(provider))["code"]
    kids = provider.rotate_keys()
    assert kid not in kids
    with pytest.raises(KeyError):
        verified(provider, id_token)
    renewed = redeem(provider, waiting)["id_token"]
    assert jwt.get_unverified_header(renewed)["kid"] in kids
    assert verified(provider, renewed)


def test_it_fails_on_demand(provider):
    """Down, slow and talking nonsense; and well again."""
    keys = discovery(provider)["jwks_uri"]
    provider.asked()
    provider.go_down()
    with pytest.raises(URLError, match="refused"):
        get(keys)
    provider.come_back()
    provider.answer_garbage("jwks")
    with pytest.raises(json.JSONDecodeError):
        get(keys)
    assert discovery(provider)
    provider.be_slow(0.3)
    begun = time.monotonic()
    assert get(keys)["keys"]
    assert time.monotonic() - begun >= 0.3
    provider.recover()
    assert get(f"{keys}?{secrets.token_hex(4)}")["keys"]
    assert provider.asked() == ["GET /jwks", "GET /.well-known/openid-configuration", "GET /jwks", "GET /jwks"]
