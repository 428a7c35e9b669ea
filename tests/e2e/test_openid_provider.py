"""A real OpenID provider that nobody here wrote (npm: oidc-provider), a process of its own, known by settings alone."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from django.core.cache import cache
from social_django.models import UserSocialAuth

from accounts.people.models import Account
from tests.api import AUTH_URL, CONVERT, LINK, ME, NONCE, codes
from tests.live import serving
from tests.providers.openid_provider import (
    CLIENT,
    ES256_CLIENT,
    FOREIGN_CLIENT,
    POST_CLIENT,
    REDIRECT_URI,
    OpenIDProvider,
    openid_provider,
)
from tests.providers.stored import nothing_changes
from tests.providers.test_openid_provider import VERIFIER, authorization_url, redeem

pytestmark = pytest.mark.django_db

CALLBACK = "http://localhost:5173/callback"


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIDProvider]:
    """One for all of these."""
    with openid_provider() as started:
        yield started


@pytest.fixture
def provider(process, settings) -> Iterator[OpenIDProvider]:
    """As it is configured: issuer and client id; keys may be asked for again at once."""
    cache.clear()
    configured = process.configured()
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=(configured,), jwks_refetch_interval=0, provider_timeout=1)
    yield process
    process.come_back()
    process.recover()


@pytest.fixture
def configure(process, provider, settings) -> Callable[..., None]:
    """With changes."""

    def change(**changes: Any) -> None:
        settings.LATCHKEY = replace(settings.LATCHKEY, providers=(process.configured(**changes),))

    return change


@pytest.fixture
def come_back(graphql, provider):
    """Begin, sign in there, agree, and come back with what `credential.code` takes."""

    def journey(login: str = "ada", *, token: str | None = None) -> dict[str, str]:
        given = {"provider": "real", "redirectUri": CALLBACK}
        payload = graphql(AUTH_URL, token=token, input=given).data["createSocialAuthUrl"]
        assert payload["errors"] == []
        returned = provider.sign_in(payload["authorization"]["url"], login=login)
        return {
            "code": returned["code"],
            "state": returned["state"],
            "flow": payload["authorization"]["flow"],
        }

    return journey


@pytest.fixture
def convert(graphql):
    """The payload."""

    def send(credential: dict[str, Any], **more: Any) -> Any:
        given = {"provider": "real", "credential": credential, **more}
        return graphql(CONVERT, input=given).data["convertSocialToken"]

    return send


def test_a_redirect_signs_in(graphql, come_back, convert):
    """Discovery, login, consent, code, PKCE, keys, ID token: a session of ours."""
    payload = convert({"code": come_back()})

    assert payload["errors"] == []
    assert payload["isNewAccount"]
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"]["email"] == "ada@example.com"
    identity = UserSocialAuth.objects.get()
    assert (identity.provider, identity.uid) == ("real", "ada")
    assert not convert({"code": come_back()})["isNewAccount"]


@pytest.mark.parametrize(
    ("client_id", "changes"),
    [(ES256_CLIENT, {}), (POST_CLIENT, {"token_auth_method": "client_secret_post"})],
)
def test_other_kinds_of_clients(configure, come_back, convert, client_id, changes):
    """Elliptic keys; the secret in the form."""
    configure(client_ids=(client_id,), **changes)

    assert convert({"code": come_back()})["errors"] == []


def test_a_code_works_once(come_back, convert):
    """There and here."""
    code = come_back()
    convert({"code": code})

    with nothing_changes():
        assert codes(convert({"code": code})) == ["PROVIDER_REJECTED"]


def test_an_injected_code_is_refused_by_the_provider(come_back, convert):
    """Its own check of PKCE."""
    stolen, own = come_back(), come_back("ada")

    with nothing_changes():
        assert codes(convert({"code": {**own, "code": stolen["code"]}})) == ["PROVIDER_REJECTED"]


def test_an_id_token_with_our_nonce(graphql, provider, convert):
    """As an SDK would bring it: here, redeemed by the test in the app's place."""
    nonce = graphql(NONCE, input={"provider": "real"}).data["createSocialNonce"]["nonce"]["value"]
    id_token = by_app(provider, nonce=nonce)["id_token"]

    assert codes(convert({"idToken": id_token})) == ["REQUIRED"]
    assert convert({"idToken": id_token}, nonce=nonce)["errors"] == []
    assert codes(convert({"idToken": id_token}, nonce=nonce)) == ["PROVIDER_REJECTED"]


def test_an_access_token_is_introspected(provider, convert):
    """RFC 7662; one of another application is refused (S28)."""
    assert convert({"accessToken": by_app(provider)["access_token"]})["errors"] == []
    with nothing_changes():
        foreign = by_app(provider, client=FOREIGN_CLIENT)
        assert codes(convert({"accessToken": foreign["access_token"]})) == ["PROVIDER_REJECTED"]


def test_an_id_token_of_another_application_is_refused(provider, configure, convert):
    """S29: the audience."""
    configure(nonce_required=False)

    with nothing_changes():
        foreign = by_app(provider, client=FOREIGN_CLIENT)
        assert codes(convert({"idToken": foreign["id_token"]})) == ["PROVIDER_REJECTED"]


def test_an_app_with_its_own_verifier(provider, convert):
    """AppAuth: the app redeems nothing, we do."""
    code = provider.sign_in(authorization_url(provider, redirect_uri=CALLBACK))["code"]

    payload = convert({"code": {"code": code, "redirectUri": CALLBACK, "codeVerifier": VERIFIER}})

    assert payload["errors"] == []


@pytest.mark.parametrize("overlap", [True, False])
def test_keys_rotate(provider, come_back, convert, overlap):
    """A new key is found at its first use."""
    assert convert({"code": come_back()})["errors"] == []

    provider.rotate_keys(overlap=overlap)

    assert convert({"code": come_back()})["errors"] == []


def test_a_token_signed_with_a_withdrawn_key_is_refused(provider, configure, come_back, convert):
    """Once the new keys were seen."""
    configure(nonce_required=False)
    old = by_app(provider)["id_token"]
    provider.rotate_keys()
    assert convert({"code": come_back()})["errors"] == []

    with nothing_changes():
        assert codes(convert({"idToken": old})) == ["PROVIDER_REJECTED"]


def test_down(provider, come_back, convert):
    """One clean error; and it can be tried again once the provider is back."""
    code = come_back()
    provider.go_down()
    with nothing_changes():
        assert codes(convert({"code": code})) == ["PROVIDER_UNAVAILABLE"]

    provider.come_back()
    assert convert({"code": code})["errors"] == []


def test_down_before_it_was_ever_asked(graphql, provider):
    """Discovery."""
    provider.go_down()

    given = {"provider": "real", "redirectUri": CALLBACK}
    payload = graphql(AUTH_URL, input=given).data["createSocialAuthUrl"]
    assert codes(payload) == ["PROVIDER_UNAVAILABLE"]


@pytest.mark.parametrize("endpoint", ["token", "jwks"])
def test_slow(provider, come_back, convert, endpoint):
    """The limit is for the whole sign-in."""
    code = come_back()
    provider.be_slow(4, endpoint)
    begun = time.monotonic()

    with nothing_changes():
        assert codes(convert({"code": code})) == ["PROVIDER_UNAVAILABLE"]
    assert time.monotonic() - begun < 3.5


@pytest.mark.parametrize("endpoint", ["token", "jwks"])
def test_garbage(provider, come_back, convert, endpoint):
    """Nothing of it is told."""
    code = come_back()
    provider.answer_garbage(endpoint)

    with nothing_changes():
        payload = convert({"code": code})
    assert codes(payload) == ["PROVIDER_UNAVAILABLE"]
    assert "garbage" not in str(payload)


def test_linking(graphql, come_back, signed_in):
    """Begun and finished by the same account."""
    code = come_back(token=signed_in.access_token)
    source = {"credential": {"provider": "real", "credential": {"code": code}}}

    payload = graphql(LINK, token=signed_in.access_token, input={"source": source}).data["linkSocialAccount"]

    assert payload["errors"] == []
    assert payload["socialAccount"]["label"] == "Real"


def test_what_is_missing_is_asked_for(provider, come_back, convert):
    """A person without an address."""
    login = provider.person("nobody", email=None, email_verified=None)

    payload = convert({"code": come_back(login)})

    assert codes(payload) == ["PROFILE_REQUIRED"]
    assert payload["challenge"]["missing"] == ["EMAIL"]
    assert not Account.objects.exists()


def test_a_server_of_ours_knows_it_by_its_environment(provider, tmp_path):
    """`OPENID_PROVIDERS=real`, its issuer, client id and secret: nothing else."""
    with serving(tmp_path, **provider.environment) as live:
        given = {"provider": "real", "redirectUri": CALLBACK}
        _status, body = live.post(AUTH_URL, input=given)
        authorization = body["data"]["createSocialAuthUrl"]["authorization"]
        returned = provider.sign_in(authorization["url"])
        code = {"code": returned["code"], "state": returned["state"], "flow": authorization["flow"]}
        _status, body = live.post(CONVERT, input={"provider": "real", "credential": {"code": code}})

    payload = body["data"]["convertSocialToken"]
    assert payload["errors"] == []
    assert payload["account"]["email"] == "ada@example.com"


def by_app(provider: OpenIDProvider, *, client: str = CLIENT, nonce: str = "") -> dict[str, Any]:
    """The tokens of an app that redeems its code itself."""
    url = authorization_url(provider, client, nonce=nonce, redirect_uri=REDIRECT_URI)
    tokens: dict[str, Any] = redeem(provider, provider.sign_in(url)["code"], client)
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == "RS256"
    return tokens
