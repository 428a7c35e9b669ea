"""The stand-ins refuse what the real ones refuse: else a test of ours could pass because its provider was broken."""

import json
from dataclasses import asdict
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import jwt
import pytest

from accounts.conf import AppleProvider
from accounts.social.providers.apple import client_secret
from accounts.social.providers.registry import provider_named
from project.environment import Environment
from project.providers import configured
from tests.providers.github import GITHUB_CLIENT, GITHUB_SECRET
from tests.providers.issuer import s256
from tests.providers.registrations import (
    APPLE_CLIENT,
    CORP_CLIENT,
    FACEBOOK_APP,
    FACEBOOK_SECRET,
    GOOGLE_CLIENT,
    GOOGLE_SECRET,
)

REDIRECT = "http://localhost:5173/callback"
VERIFIER = "v" * 43
GOOGLE = {"client_id": GOOGLE_CLIENT, "client_secret": GOOGLE_SECRET}


def post(url: str, form: dict[str, str], **headers: str) -> tuple[int, Any]:
    """Status and JSON."""
    try:
        with urlopen(Request(url, urlencode(form).encode(), headers)) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def redeem(providers, code: str, **changes: str) -> tuple[int, Any]:
    """At Google's."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return post(f"{providers.url}/google/token", {**form, **GOOGLE, **changes})


def test_a_code_works_once(providers):
    """And not for anybody else."""
    code = providers["google"].code(redirect_uri=REDIRECT, verifier=VERIFIER)

    assert redeem(providers, code)[0] == 200
    assert redeem(providers, code) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"code_verifier": "w" * 43}, 400),
        ({"redirect_uri": f"{REDIRECT}/"}, 400),
        ({"grant_type": "password"}, 400),
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nobody"}, 401),
    ],
)
def test_what_does_not_belong_to_a_code_is_refused(providers, change, status):
    """Verifier, redirect URI, client."""
    code = providers["google"].code(redirect_uri=REDIRECT, verifier=VERIFIER)

    assert redeem(providers, code, **change)[0] == status


def test_a_verifier_needs_a_challenge(providers):
    """RFC 9700 §2.1.1."""
    assert redeem(providers, providers["google"].code(redirect_uri=REDIRECT))[0] == 400


@pytest.mark.parametrize(
    "change",
    [{"iss": "another"}, {"sub": "another"}, {"aud": "another"}, {"exp": 1}, {"exp": None}, {"kid": "another"}],
)
def test_apple_looks_at_our_secret(providers, change):
    """It is a token that we sign."""
    apple = provider_named("apple").settings
    assert isinstance(apple, AppleProvider)
    good = client_secret(apple)
    content = {**jwt.decode(good, options={"verify_signature": False}), **change}
    kid = content.pop("kid", apple.key_id)
    content = {name: value for name, value in content.items() if value is not None}
    bad = jwt.encode(content, apple.private_key, algorithm="ES256", headers={"kid": kid})
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "client_id": APPLE_CLIENT}

    for secret, status in [(bad, 401), ("", 401), (good, 200)]:
        code = providers["apple"].code(redirect_uri=REDIRECT)
        answer = post(f"{providers.url}/apple/token", {**form, "code": code, "client_secret": secret})
        assert answer[0] == status


def test_facebook_and_github_exchange_codes_as_they_do(providers):
    """Facebook says no with 400 and an object, GitHub with 200."""
    facebook = {"client_id": FACEBOOK_APP, "client_secret": FACEBOOK_SECRET, "redirect_uri": REDIRECT}
    github = {"client_id": GITHUB_CLIENT, "client_secret": GITHUB_SECRET, "redirect_uri": REDIRECT}
    for make, url, form, refusal in [
        (providers.facebook_code, "facebook/v24.0/oauth/access_token", facebook, 400),
        (providers.github.code, "github/login/oauth/access_token", github, 200),
    ]:
        code = make(redirect_uri=REDIRECT, code_challenge=s256(VERIFIER))
        good = {**form, "code": code, "code_verifier": VERIFIER}
        status, answer = post(f"{providers.url}/{url}", good)
        assert (status, "access_token" in answer) == (200, True)
        status, answer = post(f"{providers.url}/{url}", good)
        assert (status, "error" in answer) == (refusal, True)


def test_introspection_is_for_clients_that_show_who_they_are(providers):
    """RFC 7662 §2.1; this one by the header."""
    token = providers["openid"].access_token()
    for form in ({}, {"client_id": CORP_CLIENT, "client_secret": "wrong"}):
        assert post(f"{providers.url}/openid/introspect", {"token": token, **form})[0] == 401


def test_no_two_providers_share_a_key(providers):
    """Or a mix-up would go unnoticed."""
    kids = [one.kid for issuer in providers.issuers.values() for one in issuer.keys]

    assert len(kids) == len(set(kids)) == 10


def test_a_process_is_configured_as_the_fixtures_are(providers):
    """By its environment."""
    read = configured(Environment(providers.environment))

    assert [asdict(one) for one in read] == [asdict(one) for one in providers.configured]
