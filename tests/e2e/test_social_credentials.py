"""What providers issue in odd but proper forms, presented to a real server over HTTP."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api import AUTH_URL, CONVERT, codes
from tests.live import Live, serving
from tests.providers.keys import key
from tests.providers.registrations import CORP_CLIENT
from tests.providers.server import Providers, Server

CALLBACK = "http://localhost:5173/callback"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One for all of these."""
    started = Server()
    started.providers["openid"].keys.append(key("openid:ed", "EdDSA"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def live(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """It knows the provider by its environment."""
    algorithms = {"OPENID_CORP_ALGORITHMS": "RS256,EdDSA"}
    with serving(tmp_path_factory.mktemp("live"), **server.providers.environment, **algorithms) as started:
        yield started


@pytest.fixture
def providers(server: Server) -> Iterator[Providers]:
    """Without faults."""
    yield server.providers
    server.providers.faults.clear()


def convert(live: Live, **credential: Any) -> Any:
    """The payload."""
    status, body = live.post(CONVERT, input={"provider": "corp", "credential": credential})
    assert status == 200
    return body["data"]["convertSocialToken"]


def test_an_id_token_with_a_hundred_groups(live, providers):
    """S36: and a project beside us in `aud`, as Zitadel has it."""
    groups = [f"0123abcd-{number:04}-4bcd-9e0f-abcdef012345" for number in range(100)]
    token = providers["openid"].id_token(
        sub="groups", email="groups@example.com", groups=groups, aud=[CORP_CLIENT, "project-7"], azp=CORP_CLIENT
    )
    assert len(token) > 4096

    assert convert(live, idToken=token)["account"]["email"] == "groups@example.com"


def test_algorithms_are_those_of_the_environment(live, providers):
    """S29."""
    issuer = providers["openid"]
    for number, (signer, taken) in enumerate([(issuer.keys[0], True), (issuer.keys[1], False), (issuer.keys[2], True)]):
        token = issuer.id_token(signed_by=signer, sub=f"alg-{number}", email=f"alg-{number}@example.com")
        assert codes(convert(live, idToken=token)) == ([] if taken else ["PROVIDER_REJECTED"])


def test_a_redirect_with_a_prompt_and_claims_in_two_places(live, providers):
    """The address in the ID token; the names and the verification at userinfo."""
    given = {"provider": "corp", "redirectUri": CALLBACK, "prompt": "SELECT_ACCOUNT"}
    _status, body = live.post(AUTH_URL, input=given)
    authorization = body["data"]["createSocialAuthUrl"]["authorization"]
    assert parse_qs(urlsplit(authorization["url"]).query)["prompt"] == ["select_account"]
    without = dict.fromkeys(["name", "given_name", "family_name", "email_verified"])
    person = {"sub": "split", "email": "split@example.com"}

    def come_back() -> dict[str, str]:
        returned = providers["openid"].authorize(authorization["url"], **person, id_token={**without, **person})
        return {**returned, "flow": authorization["flow"]}

    # The flow outlives trouble on the provider's side.
    trouble = json.dumps({"error": "invalid_grant"}).encode()
    providers.faults["token"] = lambda handler, _status, _body: handler.reply(503, trouble)
    assert codes(convert(live, code=come_back())) == ["PROVIDER_UNAVAILABLE"]
    providers.faults.clear()

    tokens = convert(live, code=come_back())["tokens"]
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    _status, body = live.post("{ me { email emailVerified firstName } }", headers=bearer)
    assert body["data"]["me"] == {"email": "split@example.com", "emailVerified": True, "firstName": "Ada"}
