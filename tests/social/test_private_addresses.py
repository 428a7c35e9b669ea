"""Where a configured issuer, or what it publishes, may lead us: not into our own network (SSRF)."""

import socket

import pytest

from accounts.social.providers.http import Deadline, Limits, NoAnswer, _is_public, fetch


def limits(*, private: bool) -> Limits:
    """Of production, or of development."""
    return Limits(deadline=Deadline(seconds=2), max_bytes=1000, private=private)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - as a destination
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "::127.0.0.1",
        "::ffff:0:7f00:1",
    ],
)
def test_what_is_private(address):
    """Loopback, private, link-local (where clouds keep credentials), shared, multicast; also inside IPv6."""
    assert not _is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public(address):
    """The internet, through NAT64 too."""
    assert _is_public(address)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_in_production_a_private_address_is_not_connected_to(provider_server, scheme):
    """By its number and by a name."""
    port = provider_server.server_address[1]
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(NoAnswer):
            fetch(f"{scheme}://{host}:{port}/openid/jwks", method="GET", headers={}, limits=limits(private=False))
    assert provider_server.providers.asked == []


def test_the_address_that_is_judged_is_the_one_connected_to(provider_server, monkeypatch):
    """A name that resolves to a public address first and to a private one then (DNS rebinding) gains nothing."""
    port = provider_server.server_address[1]
    private = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    asked = []

    def resolve(host, *_args, **_kwargs):
        asked.append(host)
        return [private]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with pytest.raises(NoAnswer, match="private"):
        fetch("https://idp.example/keys", method="GET", headers={}, limits=limits(private=False))
    assert asked == ["idp.example"]


@pytest.mark.parametrize("url", ["ftp://idp.example/", "file:///etc/passwd", "//idp.example/", "", "https://[", "x"])
@pytest.mark.parametrize("private", [True, False])
def test_only_the_web_is_asked(url, private):
    """A discovery document can name anything."""
    with pytest.raises(NoAnswer):
        fetch(url, method="GET", headers={}, limits=limits(private=private))


def test_in_development_a_local_provider_is_asked(provider_server):
    """Or nothing could be tried."""
    url = f"{provider_server.providers.url}/openid/jwks"

    assert fetch(url, method="GET", headers={}, limits=limits(private=True)).status == 200
