"""The proxies of deploy/, on loopback: the files as they are, with high ports and a certificate of our own."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live import ROOT, free_port
from tests.tools import program

DOMAIN = "accounts.example.org"
CADDYFILE, NGINX_CONF = ROOT / "deploy" / "Caddyfile", ROOT / "deploy" / "nginx.conf"


@dataclass(frozen=True)
class Proxy:
    """Where one listens."""

    https: int
    http: int
    authority: Path
    """The certificate that vouches for its own."""

    def request(
        self, method: str, path: str, body: bytes | None = None, *, source: str = "127.0.0.1", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of a request over TLS from this address."""
        context = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(DOMAIN, self.https, timeout=30, context=context)
        raw = socket.create_connection(("127.0.0.1", self.https), timeout=30, source_address=(source, 0))
        connection.sock = context.wrap_socket(raw, server_hostname=DOMAIN)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Host": DOMAIN, **names})
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def post(
        self, query: str, *, source: str = "127.0.0.1", headers: dict[str, str] | None = None, **variables: Any
    ) -> Any:
        """The data of an operation."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        status, _headers, text = self.request(
            "POST", "/graphql", body, source=source, **{"Content-Type": "application/json", **(headers or {})}
        )
        answer = json.loads(text)
        assert (status, answer.get("errors")) == (200, None), text
        return answer["data"]


@contextlib.contextmanager
def caddy(directory: Path, *upstreams: str) -> Iterator[Proxy]:
    """Caddy with deploy/Caddyfile and an authority of its own in place of a public one."""
    https, http_port = free_port(), free_port()
    environment = {**os.environ, **caddy_environment(directory, https, http_port), "UPSTREAMS": " ".join(upstreams)}
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", CADDYFILE]
    authority = directory / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with running(command, directory / "caddy.log", environment):
        yield _answering(Proxy(https, http_port, authority), directory / "caddy.log")


def caddy_environment(directory: Path, https: int, http_port: int) -> dict[str, str]:
    """What the Caddyfile reads, and where Caddy keeps its files."""
    options = f"local_certs\nskip_install_trust\nadmin off\nhttps_port {https}\nhttp_port {http_port}"
    home = {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    return {"DOMAIN": DOMAIN, "CADDY_GLOBAL_OPTIONS": options, **home}


@contextlib.contextmanager
def nginx(directory: Path, *upstreams: str) -> Iterator[Proxy]:
    """Nginx with deploy/nginx.conf and a certificate of our own."""
    https, http_port = free_port(), free_port()
    configuration = nginx_configuration(directory, https, http_port, *upstreams)
    command = [program("nginx", "/usr/sbin/nginx"), "-p", str(directory), "-c", configuration]
    with running(command, directory / "nginx.log", {**os.environ}):
        yield _answering(Proxy(https, http_port, directory / "fullchain.pem"), directory / "nginx.log")


def nginx_configuration(directory: Path, https: int, http_port: int, *upstreams: str) -> Path:
    """A main file around deploy/nginx.conf, whose places are those of the test."""
    write_certificate(directory)
    site = NGINX_CONF.read_text()
    servers = "\n".join(f"    server {upstream} max_fails=0;" for upstream in upstreams)
    first, last = "    server 127.0.0.1:8000 max_fails=0;", "    server 127.0.0.1:8001 max_fails=0;"
    for written, ours in {
        f"{first}\n{last}": servers,
        "/etc/letsencrypt/live/accounts.example.org": str(directory),
        "/var/log/nginx": str(directory),
        "listen 80;": f"listen {http_port};",
        "listen [::]:80;": f"listen [::1]:{http_port};",
        "listen 443 ssl": f"listen {https} ssl",
        "listen [::]:443 ssl": f"listen [::1]:{https} ssl",
    }.items():
        assert written in site, written
        site = site.replace(written, ours)
    (directory / "latchkey.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = directory / "nginx.conf"
    main.write_text(
        f"daemon off;\npid {directory}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\n{temporary}include {directory}/latchkey.conf;\n}}\n"
    )
    return main


def write_certificate(directory: Path) -> None:
    """A certificate for the host name, which vouches for itself."""
    command = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    files = ["-keyout", directory / "privkey.pem", "-out", directory / "fullchain.pem"]
    names = ["-days", "2", "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"]
    subprocess.run([*command, *files, *names], check=True, capture_output=True)


@contextlib.contextmanager
def running(command: list[Any], log: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process until the block ends."""
    with log.open("w") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()


def _answering(proxy: Proxy, log: Path) -> Proxy:
    """The proxy, once it has a certificate and takes a request."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            proxy.request("GET", "/metrics")
            return proxy
        time.sleep(0.1)
    raise RuntimeError(log.read_text())
