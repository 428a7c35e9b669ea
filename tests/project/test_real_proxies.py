"""Behind a real nginx and a real Caddy, with TLS: what counts of the headers that a client and a proxy send."""

import contextlib
import http.client
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.api import REGISTER
from tests.certificates import self_signed
from tests.documents import ROOT, blocks
from tests.live import free_port
from tests.project.production import Server, await_that, gunicorn
from tests.tools import ASKS_NO_DATABASE, program

pytestmark = ASKS_NO_DATABASE

NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    {location}
  }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
  storage file_system {directory}
}}
{site}
"""
PROXY = "127.0.0.2"
"""The address of nginx. Whoever comes from another one has bypassed it."""
SESSIONS = "{ me { sessions { nodes { ipAddress } } } }"
SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Request-ID": "chosen-by-a-stranger",
    "Forwarded": "for=6.6.6.6;proto=http;host=evil.example",
    "X-Real-IP": "6.6.6.6",
}


@dataclass(frozen=True)
class Edge:
    """Where clients connect to."""

    port: int
    context: ssl.SSLContext | None
    host: str = "localhost"

    def send(
        self, path: str, body: Any = None, *, source: str = "127.0.0.5", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """Status, headers and body of an answer to a client with this address. Redirects are not followed."""
        kept: dict[str, Any] = {"timeout": 30, "source_address": (source, 0)}
        connection = (
            http.client.HTTPSConnection(self.host, self.port, context=self.context, **kept)
            if self.context
            else http.client.HTTPConnection(self.host, self.port, **kept)
        )
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body, sent["Content-Type"] = json.dumps(body), "application/json"
        with contextlib.closing(connection):
            connection.request("GET" if body is None else "POST", path, body, sent)
            answer = connection.getresponse()
            content = answer.read()
        is_json = "json" in (answer.headers.get("Content-Type") or "")
        return answer.status, answer.headers, json.loads(content) if is_json else content.decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for all of it."""
    return tmp_path_factory.mktemp("edge")


@pytest.fixture(scope="module")
def port() -> int:
    """Where nginx listens."""
    return free_port()


@pytest.fixture(scope="module")
def service(place: Path, port: int) -> Iterator[Server]:
    """The service in production: nginx comes to its port, Caddy to its socket."""
    own = free_port()
    with gunicorn(
        place,
        PORT=str(own),
        GUNICORN_CMD_ARGS=f"--bind 127.0.0.1:{own} --bind unix:{place / 'service.sock'}",
        TRUSTED_PROXIES=f"{PROXY}, unix",
        BEHIND_TLS_PROXY="true",
        USE_X_FORWARDED_HOST="true",
        SECURE_SSL_REDIRECT="true",
        ALLOWED_HOSTS="localhost",
        PUBLIC_URL=f"https://localhost:{port}",
    ) as server:
        server.manage("ensure_client")
        yield server


def documented(language: str, old: str, new: str) -> str:
    """The configuration in docs/proxies.md, with one part replaced."""
    [block] = [block for block in blocks(ROOT / "docs" / "proxies.md") if block.language == language]
    assert old in block.text
    return block.text.replace(old, new)


def tls(certificate: Path) -> ssl.SSLContext:
    """A client that trusts this certificate alone."""
    return ssl.create_default_context(cafile=str(certificate))


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A proxy, until the block ends."""
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            await_that(lambda: _listens(port), process)
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def nginx(place: Path, port: int, service: Server) -> Iterator[Edge]:
    """nginx, which terminates TLS."""
    certificate, config = self_signed(place / "nginx.pem"), place / "nginx.conf"
    location = documented("nginx", "http://127.0.0.1:8000;", f"{service.url};\n    proxy_bind {PROXY};")
    config.write_text(NGINX.format(directory=place, port=port, certificate=certificate, location=location))
    with running([program("nginx"), "-e", f"{place}/nginx-error.log", "-c", str(config)], port, place / "nginx.log"):
        yield Edge(port, tls(certificate))


@pytest.fixture(scope="module")
def caddy(place: Path, service: Server) -> Iterator[Edge]:
    """Caddy, which terminates TLS and comes through a Unix socket."""
    certificate, config, own = self_signed(place / "caddy.pem"), place / "Caddyfile", free_port()
    site = documented(
        "caddy", "accounts.example.org {", f"https://localhost:{own} {{\n    tls {certificate} {certificate}"
    ).replace("127.0.0.1:8000", f"unix/{place / 'service.sock'}")
    config.write_text(CADDY.format(directory=place, site=site))
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]
    with running(command, own, place / "caddy.log"):
        yield Edge(own, tls(certificate))


@pytest.fixture(params=["nginx", "caddy"])
def edge(request: pytest.FixtureRequest) -> Edge:
    """Each of them."""
    found: Edge = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def direct(service: Server) -> Edge:
    """The service's own port, past the proxies."""
    return Edge(int(service.url.rpartition(":")[2]), None, "127.0.0.1")


def address_seen(edge: Edge, **headers: str) -> str | None:
    """The address in the session of somebody who registers now."""
    name = f"a{time.monotonic_ns()}"
    person = {"email": f"{name}@example.com", "username": name, "firstName": "A", "password": "a ship in port is safe"}
    _, _, answer = edge.send("/graphql", {"query": REGISTER, "variables": {"input": person}}, **headers)
    token = answer["data"]["register"]["tokens"]["accessToken"]
    _, _, answer = edge.send("/graphql", {"query": SESSIONS}, Authorization=f"Bearer {token}", **headers)
    [session] = answer["data"]["me"]["sessions"]["nodes"]
    address: str | None = session["ipAddress"]
    return address


def test_the_proxy_states_address_scheme_and_host_and_the_client_nothing(edge):
    """S55: the answer is no redirect to https, is for the proxy's host, and the session has the client's address."""
    assert address_seen(edge, **SPOOFED) == "127.0.0.5"
    status, headers, _ = edge.send("/o/token", "x", **SPOOFED)
    assert status == 400
    assert "Location" not in headers


def test_the_proxy_gives_the_request_its_id(edge, service):
    """In answer and log; not the one that the client states."""
    _, headers, _ = edge.send("/nowhere", **SPOOFED)

    assert re.fullmatch("[0-9a-f]{32}|[0-9a-f-]{36}", headers["X-Request-ID"])
    [logged] = [e for e in service.entries() if e.get("request_id") == headers["X-Request-ID"]]
    assert logged["message"] == "Not Found: /nowhere"


def test_whoever_bypasses_the_proxies_states_nothing(direct):
    """S55: neither https nor a host that is allowed, nor an id."""
    stated = {**SPOOFED, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost"}

    status, headers, _ = direct.send("/nowhere", Host="localhost", **stated)
    refused, _, _ = direct.send("/nowhere", Host="evil.example", **stated)

    assert (status, headers["Location"]) == (301, "https://localhost/nowhere")
    assert headers["X-Request-ID"] != stated["X-Request-ID"]
    assert refused == 400


def test_a_proxy_that_is_trusted_may_state_all_of_it(direct):
    """The same request from its address."""
    stated = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost", "X-Request-ID": "edge-0001"}

    status, headers, _ = direct.send("/nowhere", Host="evil.example", source=PROXY, **stated)

    assert (status, headers["X-Request-ID"]) == (404, "edge-0001")


def test_behind_networks_a_private_address_of_a_client_counts(edge):
    """S73: proxies are configured, so it is the address of somebody in the same network."""
    assert address_seen(edge) == "127.0.0.5"


def parameters(challenge: str) -> dict[str, str]:
    """The parameters of `WWW-Authenticate: Bearer`."""
    scheme, _, rest = challenge.partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', rest))


def test_a_client_finds_everything_from_a_refusal(nginx, service):
    """RFC 9728 §5, RFC 8414: each URL of both documents answers, under the public URL, as the documents say."""
    status, headers, _ = nginx.send("/graphql", {"query": "{ me { id } }"}, Authorization="Bearer unknown")
    found = parameters(headers["WWW-Authenticate"])
    issuer = f"https://localhost:{nginx.port}"

    assert (status, found["error"]) == (401, "invalid_token")
    resource = nginx.send(_path(found["resource_metadata"], issuer))[2]
    assert resource["resource"] == f"{issuer}/graphql"
    [server] = resource["authorization_servers"]
    metadata = nginx.send(_path(server, issuer) + "/.well-known/oauth-authorization-server")[2]
    assert metadata["issuer"] == server == issuer
    secret = service.manage("ensure_client", "--client-id", "walker", "--confidential").split()[-1]
    body = {"client_id": "walker", "client_secret": secret, "token": "unknown", "refresh_token": "unknown"}
    body["grant_type"] = metadata["grant_types_supported"][0]
    answers = {
        name: nginx.send(_path(url, issuer), urlencode(body), Content_Type="application/x-www-form-urlencoded")
        for name, url in metadata.items()
        if name.endswith("_endpoint")
    }
    assert {name: (status, answer.get("error", answer)) for name, (status, _, answer) in answers.items()} == {
        "token_endpoint": (400, "invalid_grant"),
        "revocation_endpoint": (200, {}),
        "introspection_endpoint": (200, {"active": False}),
    }


def _path(url: str, issuer: str) -> str:
    assert url.startswith(issuer)
    return urlsplit(url).path


def test_password_managers_are_led_to_the_page_where_a_password_is_changed(edge, nginx):
    """W3C: a redirect to the account page; and an unknown well-known name is no page."""
    status, headers, _ = edge.send("/.well-known/change-password")
    unknown = edge.send("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200")[0]

    assert (status, headers["Location"]) == (302, f"https://localhost:{nginx.port}/")
    assert unknown == 404
