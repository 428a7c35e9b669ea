"""What a real server logs at DEBUG, libraries included."""

import contextlib
import http.client
import json
import re
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.api import ANSWER_PROFILE, AUTH_URL, CHANGE_PASSWORD, CONVERT, NONCE, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.live import serving

PASSWORD = "not the one of the welcome text"
INLINE = 'mutation {{ tokenAuth(input: {{email: "ada@example.com", password: "{}"}}) {{ errors {{ code }} }} }}'


def test_no_secret_is_in_the_log_at_any_level(tmp_path):
    """S47: the whole journey at DEBUG; every password, token and secret used is looked for."""
    with serving(tmp_path, LOG_LEVEL="DEBUG") as live:
        secret = live.manage("ensure_client", "--client-id", "backend", "--confidential").split()[-1]
        confidential = {"clientId": "backend", "clientSecret": secret}
        fields = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
        first = live.post(REGISTER, input=fields)[1]["data"]["register"]["tokens"]
        wrong = "wrong but long password"
        live.post(TOKEN_AUTH, input={"email": "ada@example.com", "password": wrong})
        inline = "an inlined password #1"
        live.post(INLINE.format(inline))
        backend = live.post(TOKEN_AUTH, input={"email": "ada@example.com", "password": PASSWORD, **confidential})
        second = backend[1]["data"]["tokenAuth"]["tokens"]
        third = live.post(REFRESH, input={"refreshToken": second["refreshToken"], **confidential})[1]
        third = third["data"]["refreshToken"]["tokens"]
        form = {"grant_type": "refresh_token", "client_id": "backend", "client_secret": secret}
        form["refresh_token"] = third["refreshToken"]
        with urlopen(f"{live.url}/o/token/", urlencode(form).encode(), timeout=60) as response:
            fourth = json.load(response)
        bad_type = "hunter2hunter2"
        live.post(TOKEN_AUTH, input={"email": 5, "password": bad_type})
        bearer = {"Authorization": f"Bearer {first['accessToken']}"}
        live.post("{ me { id } }", headers=bearer)
        new, weak = "another passphrase of the holder", "hunter3hunter3"
        for current, chosen in ((wrong, new), (PASSWORD, weak), (PASSWORD, new)):
            live.post(CHANGE_PASSWORD, headers=bearer, input={"currentPassword": current, "newPassword": chosen})
        live.post(REVOKE, input={"token": first["refreshToken"]})
        live.post(REVOKE, headers={"Authorization": f"Bearer {fourth['access_token']}"})
        key = live.environment["SECRET_KEY"]

    log = live.log.read_text()
    assert "DEBUG" in log
    assert "oauthlib" in log
    tokens = [pair[name] for pair in (first, second, third) for name in ("accessToken", "refreshToken")]
    tokens += [fourth["access_token"], fourth["refresh_token"]]
    leaked = [s for s in [PASSWORD, wrong, inline, bad_type, new, weak, secret, key, *tokens] if s in log]
    assert leaked == []


def test_no_credential_of_a_provider_is_in_the_log_at_any_level(providers, tmp_path):
    """S47: nonce, ID token, access token, code, state, flow and challenge; taken, refused and replayed."""
    with serving(tmp_path, LOG_LEVEL="DEBUG", **providers.environment) as live:

        def convert(provider: str, **more: Any) -> Any:
            return live.post(CONVERT, input={"provider": provider, **more})[1]["data"]["convertSocialToken"]

        nonce = live.post(NONCE, input={"provider": "corp"})[1]["data"]["createSocialNonce"]["nonce"]["value"]
        id_token = providers["openid"].id_token(nonce=nonce)
        for _ in range(2):
            convert("corp", credential={"idToken": id_token}, nonce=nonce)
        given = {"provider": "google", "redirectUri": "http://localhost:5173/callback"}
        begun = live.post(AUTH_URL, input=given)[1]["data"]["createSocialAuthUrl"]["authorization"]
        code = {**providers["google"].authorize(begun["url"]), "flow": begun["flow"]}
        for _ in range(2):
            convert("google", credential={"code": code})
        access_tokens = [
            providers.google_token(sub="7", email=None),
            providers.google_token(token={"aud": "evil"}),
            providers.facebook_token(token={"is_valid": False}),
            providers.github.token(client="evil"),
        ]
        for provider, token in zip(["google", "google", "facebook", "github"], access_tokens, strict=True):
            payload = convert(provider, credential={"accessToken": token})
            if payload["challenge"]:
                challenge = payload["challenge"]["token"]
                live.post(ANSWER_PROFILE, input={"challengeToken": challenge, "email": "no address"})
        with contextlib.suppress(HTTPError), urlopen(f"{live.url}/callback?code={code['code']}&state={code['state']}"):
            pass

    log = live.log.read_text()
    assert "used before" in log
    assert "issued to" in log
    ours = [value for name, value in providers.environment.items() if "SECRET" in name or "KEY" in name]
    secrets = [nonce, id_token, *code.values(), *access_tokens, challenge, *ours]
    assert [secret for secret in secrets if len(secret) > 12 and secret in log] == []


def test_an_answer_and_the_lines_about_it_share_an_id(tmp_path):
    """For whoever looks for the cause of what a client saw."""
    with serving(tmp_path) as live:
        connection = http.client.HTTPConnection(live.url.removeprefix("http://"))
        connection.request("POST", "/graphql", "{", {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        connection.close()

    request_id = response.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert request_id in live.log.read_text()
