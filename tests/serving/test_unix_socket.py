"""Peers of a Unix socket, which gunicorn itself would trust with everything."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.servers import started
from tests.wire import Reply, message, parsed


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Iterator[str]:
    """The socket of a service that trusts no proxy."""
    # Short, for the kernel.
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "s")
        values = {"TRUSTED_PROXIES": "0", "BEHIND_TLS_PROXY": "false", "GUNICORN_CMD_ARGS": f"--bind unix:{file}"}
        with started(tmp_path_factory.mktemp("live"), **values):
            yield file


def get(path: str, target: str, **headers: str) -> Reply:
    """The response to a request through the socket. Names of headers are sent as they are."""
    sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = message("GET", target, Host="api.example.com").replace(b"\r\n\r\n", f"\r\n{sent}\r\n".encode())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(path)
        connection.sendall(request)
        return parsed(b"".join(iter(lambda: connection.recv(65536), b"")))


@pytest.mark.parametrize(
    ("name", "value"), [("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "on"), ("X-Forwarded-Protocol", "ssl")]
)
def test_a_peer_that_is_no_proxy_states_no_scheme(path, name, value):
    """S55: it is redirected to https like all others."""
    reply = get(path, "/graphql", **{name: value})

    assert (reply.status, reply.headers["location"]) == (301, "https://api.example.com/graphql")


def test_a_peer_states_no_other_path(path):
    """S55: `/x/metrics` would be served as `/metrics`, which the proxy in front does not pass on."""
    reply = get(path, "/x/healthz", SCRIPT_NAME="/x")

    assert reply.status == 301
