"""What a real server logs at DEBUG, libraries included."""

import http.client
import re

from tests.api import REFRESH, REGISTER, REVOKE, TOKEN_AUTH
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
        bad_type = "hunter2hunter2"
        live.post(TOKEN_AUTH, input={"email": 5, "password": bad_type})
        live.post("{ me { id } }", headers={"Authorization": f"Bearer {first['accessToken']}"})
        live.post(REVOKE, input={"token": first["refreshToken"]})
        live.post(REVOKE, headers={"Authorization": f"Bearer {third['accessToken']}"})
        key = live.environment["SECRET_KEY"]

    log = live.log.read_text()
    assert "DEBUG" in log
    assert "oauthlib" in log
    tokens = [pair[name] for pair in (first, second, third) for name in ("accessToken", "refreshToken")]
    leaked = [s for s in [PASSWORD, wrong, inline, bad_type, secret, key, *tokens] if s in log]
    assert leaked == []


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
