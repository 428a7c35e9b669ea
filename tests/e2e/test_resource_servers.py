"""docs/resource-servers.md: its services verify tokens against a running server, in each language alike."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.tokens.families import checksum
from tests.documents import ROOT, blocks
from tests.e2e.test_oauth import Service
from tests.live import free_port, serving
from tests.tools import program

PAGE = ROOT / "docs" / "resource-servers.md"
RESULT = {"python": "latchkey_tokens.py", "node": "latchkey-tokens.mjs"}
DRIVERS = {
    "python": """
import json, sys
from latchkey_tokens import Refused, verify
for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = verify(asked["authorization"], max_age=asked["max_age"])
    except Refused as refusal:
        answer = {"status": refusal.status, "challenge": refusal.challenge}
    print(json.dumps(answer), flush=True)
""",
    "node": """
import { createInterface } from "node:readline";
import { Refused, verify } from "./latchkey-tokens.mjs";
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer = await verify(asked.authorization, { maxAge: asked.max_age ?? undefined }).catch((refusal) => {
    if (!(refusal instanceof Refused)) throw refusal;
    return { status: refusal.status, challenge: refusal.challenge };
  });
  console.log(JSON.stringify(answer));
}
""",
}
"""Answer each line of JSON with one."""

Verify = Callable[..., Any]


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Any:
    """A server with a resource server and a second application."""
    with serving(tmp_path_factory.mktemp("live"), ARGON2_MEMORY_COST="8", ARGON2_TIME_COST="1") as live:
        service = Service(live)
        printed = live.manage("ensure_client", "--client-id", "orders", "--resource-server")
        service.secrets["orders"] = printed.split()[-1]
        yield service


@contextlib.contextmanager
def verifier(language: str, directory: Path, **environment: str) -> Iterator[Verify]:
    """The page's code in a process of its own."""
    (code,) = [block.text for block in blocks(PAGE) if block.file == RESULT[language]]
    (directory / RESULT[language]).write_text(code)
    driver = directory / f"driver.{RESULT[language].rpartition('.')[2]}"
    driver.write_text(DRIVERS[language])
    interpreter = sys.executable if language == "python" else program("node")
    with subprocess.Popen(
        [interpreter, driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def verify(authorization: str | None, *, max_age: int | None = None) -> Any:
            stdin.write(f"{json.dumps({'authorization': authorization, 'max_age': max_age})}\n")
            stdin.flush()
            return json.loads(stdout.readline())

        try:
            yield verify
        finally:
            stdin.close()


@pytest.fixture(params=["python", "node"])
def orders(request, service, tmp_path) -> Any:
    """Starts the example against the server."""

    def start(**environment: str) -> contextlib.AbstractContextManager[Verify]:
        given = {"ISSUER": service.live.url, "ORDERS_SECRET": service.secrets["orders"], **environment}
        return verifier(request.param, tmp_path, **given)

    return start


def test_a_token_of_a_user_is_verified(service, orders):
    """It says whose it is, of which application, and how its holder signed in."""
    tokens = service.sign_in()
    with orders() as verify:
        claims = verify(f"Bearer {tokens['accessToken']}", max_age=300)

    assert (claims["active"], claims["client_id"], claims["amr"]) == (True, "web", ["pwd"])
    query, bearer = "{ me { pk: email } }", {"Authorization": f"Bearer {tokens['accessToken']}"}
    email = service.live.post(query, headers=bearer)[1]["data"]["me"]["pk"]
    shown = json.loads(service.live.manage("accounts", "show", email, "--json"))
    assert claims["sub"] == shown["id"]


def test_what_is_no_token_of_a_user_of_ours_is_refused(service, orders):
    """RFC 6750 §3.1: with the status and the challenge for each cause."""
    machine = service.post("/o/token/", {"grant_type": "client_credentials"}, service.basic("machine")).body
    tokens = service.sign_in()
    other = service.sign_in(clientId="ios")
    narrowed = service.sign_in()
    service.shell(
        "from oauth2_provider.models import get_access_token_model as model;"
        f" model().objects.filter(token_checksum='{checksum(narrowed['accessToken'])}')"
        ".update(resource=['https://another.example.com'])"
    )
    with orders() as verify:
        for authorization in (None, "", "Bearer", "Basic b3JkZXJzOng=", tokens["accessToken"]):
            assert verify(authorization) == {"status": 401, "challenge": "Bearer"}
        for token in ("nobodys", tokens["refreshToken"], narrowed["accessToken"]):
            assert verify(f"Bearer {token}") == {"status": 401, "challenge": 'Bearer error="invalid_token"'}
        for token in (machine["access_token"], other["accessToken"]):
            assert verify(f"Bearer {token}")["status"] == 403
        stale = verify(f"Bearer {tokens['accessToken']}", max_age=0)
        assert stale["challenge"] == 'Bearer error="insufficient_user_authentication", max_age="0"'


def test_a_token_that_names_the_service_is_verified(service, orders):
    """RFC 8707: it may name others too."""
    tokens = service.sign_in()
    service.shell(
        "from oauth2_provider.models import get_access_token_model as model;"
        f" model().objects.filter(token_checksum='{checksum(tokens['accessToken'])}')"
        ".update(resource=['https://another.example.com', 'https://orders.example.com'])"
    )
    with orders() as verify:
        assert verify(f"Bearer {tokens['accessToken']}")["active"] is True


def test_a_revoked_token_is_refused_when_the_kept_answer_is_too_old(service, orders):
    """At once without a cache; until then it goes on, as the page says."""
    tokens = service.sign_in()
    bearer = f"Bearer {tokens['accessToken']}"
    with orders() as keeping, orders(CACHE_SECONDS="0") as asking:
        assert keeping(bearer)["active"] is asking(bearer)["active"] is True

        service.post("/o/revoke_token/", {"token": tokens["refreshToken"], "client_id": "web"})

        assert keeping(bearer)["active"] is True
        assert asking(bearer)["status"] == 401


def test_a_check_that_fails_lets_nobody_pass(service, orders):
    """A server that is away, and a wrong secret."""
    bearer = f"Bearer {service.sign_in()['accessToken']}"
    with orders(ISSUER=f"http://127.0.0.1:{free_port()}") as away, orders(ORDERS_SECRET="x" * 40) as wrong:
        assert away(bearer)["status"] == wrong(bearer)["status"] == 503
