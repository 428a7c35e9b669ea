"""deploy/Caddyfile and deploy/nginx.conf: what a request is like when it arrives, and what a client sees of faults."""

import contextlib
import http.client
import itertools
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.api import REGISTER
from tests.container.proxies import (
    CADDYFILE,
    DOMAIN,
    Proxy,
    caddy,
    caddy_environment,
    nginx,
    nginx_configuration,
)
from tests.live import free_port, serving
from tests.tools import ASKS_NO_DATABASE, program

pytestmark = ASKS_NO_DATABASE

PROXIES: dict[str, Callable[..., contextlib.AbstractContextManager[Proxy]]] = {"caddy": caddy, "nginx": nginx}
BEHIND_ONE = {
    "LATCHKEY_ENV": "production",
    "ALLOWED_HOSTS": DOMAIN,
    "BEHIND_TLS_PROXY": "true",
    "TRUSTED_PROXIES": "1",
    "ALLOW_SQLITE_IN_CODE": "true",
    "EMAIL_URL": "smtp://localhost:25",
    "DOTENV": "",
}


@pytest.fixture(scope="module", params=PROXIES)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy in front of the service in production."""
    directory = tmp_path_factory.mktemp(request.param)
    proxy_to = PROXIES[request.param]
    with serving(directory, **BEHIND_ONE) as live, proxy_to(directory, live.url.removeprefix("http://")) as proxy:
        yield proxy


@pytest.fixture(scope="module", params=PROXIES)
def around_an_echo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy in front of a server that answers with what it was asked, and of a port where nobody listens."""
    directory = tmp_path_factory.mktemp(f"{request.param}-echo")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    upstreams = (f"127.0.0.1:{free_port()}", f"127.0.0.1:{server.server_port}")
    with contextlib.closing(server.socket), PROXIES[request.param](directory, *upstreams) as proxy:
        yield proxy
        server.shutdown()


class Echo(BaseHTTPRequestHandler):
    """Answers with the request."""

    protocol_version = "HTTP/1.1"
    arrived: list[str] = []  # noqa: RUF012 - one for the handlers of all requests
    """The paths of all requests but those of the proxies' probes."""

    def do_GET(self) -> None:
        """Answer; `/breaks` ends the connection instead."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/readyz":
            self.arrived.append(self.path)
        if self.path == "/breaks":
            self.close_connection = True
            return
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        text = json.dumps({"headers": headers, "length": len(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - named by the library

    def log_message(self, *_arguments: Any) -> None:
        """Not on the terminal."""


def test_a_session_shows_the_address_that_the_proxy_sees(proxied):
    """S55: not one that the client states, in no header that a proxy knows."""
    person = {"email": "a@example.org", "username": "a", "firstName": "A", "password": "correct horse battery staple"}
    stated = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    tokens = proxied.post(REGISTER, source="127.0.0.5", headers=stated, input=person)["register"]["tokens"]

    bearer = {"Authorization": f"Bearer {tokens['accessToken']}", **stated}
    me = proxied.post("{ me { sessions { nodes { ipAddress } } } }", source="127.0.0.6", headers=bearer)["me"]

    assert me["sessions"]["nodes"] == [{"ipAddress": "127.0.0.5"}]


def test_the_answer_carries_the_headers_of_https(proxied):
    """S50: HSTS, which Django sends only if the scheme arrives; and no redirect to https in a circle."""
    status, headers, _body = proxied.request("GET", "/graphql?query={__typename}")

    assert status == 200
    assert headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_client_cannot_state_the_scheme(proxied):
    """S55: nothing that a client states about the proxy passes."""
    status, headers, _body = proxied.request("GET", "/graphql?query={__typename}", X_Forwarded_Proto="http")

    assert status == 200
    assert "Strict-Transport-Security" in headers


def test_the_host_arrives_as_it_was_asked_for(proxied):
    """S91: another one in X-Forwarded-Host does not count, and one in Host gets nothing."""
    metadata = "/.well-known/oauth-authorization-server"

    status, _headers, body = proxied.request("GET", metadata, X_Forwarded_Host="evil.example")
    assert (status, json.loads(body)["issuer"]) == (200, f"https://{DOMAIN}")
    assert b"issuer" not in proxied.request("GET", metadata, Host="evil.example")[2]


def test_http_leads_to_https(proxied):
    """With the same path."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", proxied.http), timeout=30)) as plain:
        plain.sendall(f"GET /sign-in?next=a HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
        answer = plain.recv(4096).decode()

    assert answer.split()[1] in {"301", "308"}
    assert f"location: https://{DOMAIN}/sign-in?next=a\r\n" in answer.replace("Location", "location")


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/auth/metrics", "//metrics", "/%6detrics"])
def test_what_is_for_the_inside_is_not_found_outside(around_an_echo, path):
    """Nothing of it arrives."""
    Echo.arrived.clear()

    assert around_an_echo.request("GET", path)[0] == 404
    assert Echo.arrived == []


def test_the_instance_learns_what_the_proxy_saw(around_an_echo):
    """S55: each header once, whatever the client stated."""
    stated = dict.fromkeys(("X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host", "X_Request_ID"), "stated")
    _status, _headers, body = around_an_echo.request("GET", "/", source="127.0.0.7", Forwarded="for=1.2.3.4", **stated)

    arrived = json.loads(body)["headers"]
    assert arrived["host"] == arrived["x-forwarded-host"] == [DOMAIN]
    assert arrived["x-forwarded-for"] == ["127.0.0.7"]
    assert arrived["x-forwarded-proto"] == ["https"]
    assert "forwarded" not in arrived
    (request_id,) = arrived["x-request-id"]
    assert len(request_id) >= 32
    assert request_id != "stated"


def test_http_2_is_spoken(around_an_echo):
    """By ALPN."""
    context = ssl.create_default_context(cafile=around_an_echo.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", around_an_echo.https), timeout=30) as raw,
        context.wrap_socket(raw, server_hostname=DOMAIN) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("around_an_echo", ["nginx"], indirect=True)
def test_half_a_body_does_not_reach_an_instance(around_an_echo):
    """S92: the proxy waits for the rest, with a connection of its own."""
    Echo.arrived.clear()
    context = ssl.create_default_context(cafile=around_an_echo.authority)
    with (
        socket.create_connection(("127.0.0.1", around_an_echo.https), timeout=30) as raw,
        context.wrap_socket(raw, server_hostname=DOMAIN) as slow,
    ):
        slow.sendall(f"POST /slow HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 2000\r\n\r\n{'a' * 1000}".encode())
        time.sleep(1)
        assert Echo.arrived == []

        slow.sendall(b"a" * 1000)
        assert slow.recv(4096).split()[1] == b"200"
    assert Echo.arrived == ["/slow"]


def test_half_bodies_hold_no_thread(proxied):
    """S92: four times as many as there are threads."""
    context = ssl.create_default_context(cafile=proxied.authority)
    with contextlib.ExitStack() as slow:
        for _ in range(32):
            raw = slow.enter_context(socket.create_connection(("127.0.0.1", proxied.https), timeout=30))
            secure = slow.enter_context(context.wrap_socket(raw, server_hostname=DOMAIN))
            secure.sendall(f"POST /graphql HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 2000\r\n\r\n{{".encode())
        begun = time.monotonic()
        proxied.post("{ authConfig { __typename } }")

        # Half requests are given up after 15 seconds.
        assert time.monotonic() - begun < 10


class Compare(Echo):
    """Answers with the body, which has to be the path."""

    whole = 0
    wrong: list[tuple[str, bytes]] = []  # noqa: RUF012 - one for the handlers of all requests

    def do_POST(self) -> None:
        """Of a request that was cut off, which has no body here, the service reads nothing."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == self.path.encode():
            Compare.whole += 1
        elif body:
            self.wrong.append((self.path, body))
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def come_and_go(port: int, done: threading.Event) -> None:
    """As an instance that restarts again and again."""
    while not done.is_set():
        server = ThreadingHTTPServer(("127.0.0.1", port), Compare)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        done.wait(0.5)
        server.shutdown()
        server.server_close()
        done.wait(0.2)


def ask_on(proxy: Proxy, name: int, done: threading.Event) -> None:
    """One client of many."""
    for turn in itertools.count():
        path = f"/{name}-{turn}" + "x" * (turn % 90)
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _headers, body = proxy.request("POST", path, path.encode())
            if status == HTTPStatus.OK and body != path.encode():
                Compare.wrong.append((path, body))
        if done.is_set():
            return


@pytest.mark.parametrize("name", PROXIES)
def test_no_request_arrives_with_the_body_of_another(name, tmp_path):
    """While an instance comes and goes: otherwise somebody is signed in as somebody else."""
    port, done = free_port(), threading.Event()
    Compare.whole = 0
    Compare.wrong.clear()
    with PROXIES[name](tmp_path, f"127.0.0.1:{port}") as proxy:
        threads = [threading.Thread(target=come_and_go, args=(port, done))]
        threads += [threading.Thread(target=ask_on, args=(proxy, number, done)) for number in range(12)]
        for thread in threads:
            thread.start()
        time.sleep(6)
        done.set()
        for thread in threads:
            thread.join()

    assert Compare.wrong == []
    assert Compare.whole > 50


def test_a_body_of_megabytes_is_refused(around_an_echo):
    """Before it reaches an instance."""
    Echo.arrived.clear()

    assert around_an_echo.request("POST", "/big", b"a" * 300_000)[0] == 413
    assert Echo.arrived == []


def test_every_request_is_answered_while_one_of_two_instances_is_away(around_an_echo):
    """A refused connection has carried nothing: the other instance gets the request, a POST too."""
    Echo.arrived.clear()

    assert {around_an_echo.request("POST", f"/{number}", b"{}")[0] for number in range(20)} == {200}
    assert Echo.arrived == [f"/{number}" for number in range(20)]


def test_a_post_that_was_sent_is_not_repeated(around_an_echo):
    """The instance that died may have done it."""
    Echo.arrived.clear()

    status, headers, body = around_an_echo.request("POST", "/breaks", b"{}")

    assert status == 503
    assert Echo.arrived == ["/breaks"]
    assert headers["Retry-After"] == "5"
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


def test_caddy_accepts_its_file(tmp_path):
    """As its own command says."""
    environment = {**os.environ, **caddy_environment(tmp_path, 443, 80)}
    command = [program("caddy"), "validate", "--adapter", "caddyfile", "--config", CADDYFILE]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert '"level":"warn"' not in done.stderr


def test_nginx_accepts_its_file(tmp_path):
    """As its own command says."""
    configuration = nginx_configuration(tmp_path, free_port(), free_port(), "127.0.0.1:8000")
    command = [program("nginx", "/usr/sbin/nginx"), "-t", "-p", tmp_path, "-c", configuration]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
