"""What the headers of a request may be."""

import http.client
import json

import pytest

from project.middleware import LARGEST_HEADERS
from tests.live import serving

BODY = b'{"query": "{ me { id } }"}'


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A real server: it joins headers of one name."""
    with serving(tmp_path_factory.mktemp("live")) as server:
        yield server


def ask(live, *headers: tuple[str, str], path: str = "/graphql"):
    """Status and body."""
    connection = http.client.HTTPConnection(live.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", path)
    for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(BODY))), *headers):
        connection.putheader(name, value)
    connection.endheaders(BODY)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.mark.parametrize("path", ["/graphql", "/o/token/", "/admin/login/", "/nowhere"])
@pytest.mark.parametrize("names", [["Cookie"] * 9, ["Accept"] * 9, [f"X-{n}" for n in range(9)]], ids=lambda n: n[0])
def test_headers_that_are_too_large_together_are_refused(live, names, path):
    """S80, S92: everywhere, before anything reads or keeps them."""
    status, body = ask(live, *((name, "a" * (LARGEST_HEADERS // 8)) for name in names), path=path)

    assert status == 431
    assert json.loads(body)["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


def test_ordinary_headers_are_not(live):
    """With room for other applications' cookies."""
    assert ask(live, ("Cookie", "a=" + "b" * 8000), ("X-Forwarded-For", "::1"))[0] == 200


def test_a_cookie_with_a_backslash_costs_nothing(live, client):
    """S80, CVE-2024-7592; the other cookies count."""
    cookies = ['a="' + "\\" * 4000, "b=c;csrftoken=" + "x" * 32 + ";d=" + "\\" * 100 + '"']

    status, body = ask(live, *(("Cookie", value) for value in cookies))

    assert (status, json.loads(body)) == (200, {"data": {"me": None}})
