"""What only a real server shows: bodies in chunks, compressed ones, odd cookies, HEAD, and a database that is away."""

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.api import PASSWORD, REFRESH, REGISTER
from tests.live import Live, serving
from tests.tools import await_that
from tests.wire import Reply, chunked, message, parsed, send

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
LIMIT = 128 * 1024
QUERY = b'{"query": "{ __typename }"}'
REFUSED_FORM = b"grant_type=refresh_token&client_id=web&refresh_token=unknown"


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Live]:
    """The service."""
    with serving(tmp_path_factory.mktemp("live")) as server:
        yield server


def post(live: Live, body: bytes, path: str = "/graphql", content_type: str = JSON, **headers: str) -> Reply:
    """Post these bytes."""
    return send(live.url, message("POST", path, body, Content_Type=content_type, **headers))


def post_in_chunks(live: Live, *chunks: bytes, path: str = "/graphql", content_type: str = JSON) -> Reply:
    """Post these chunks."""
    return post(live, chunked(*chunks), path, content_type, **{"Transfer-Encoding": "chunked"})


def code_of(reply: Reply) -> str:
    """The code of the only error."""
    (error,) = json.loads(reply.body)["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("size", [1, 7, len(QUERY)])
def test_a_body_may_come_in_chunks(live, size):
    """Trap 50: Node's fetch with a stream, Python's iterables and many proxies send no length."""
    reply = post_in_chunks(live, *(QUERY[start : start + size] for start in range(0, len(QUERY), size)))

    assert (reply.status, json.loads(reply.body)) == (200, {"data": {"__typename": "Query"}})


def test_a_form_may_come_in_chunks(live):
    """The OAuth endpoints read them too."""
    reply = post_in_chunks(live, REFUSED_FORM[:9], REFUSED_FORM[9:], path="/o/token/", content_type=FORM)

    assert (reply.status, json.loads(reply.body)["error"]) == (400, "invalid_grant")


def padded(size: int) -> bytes:
    """The query in a body of this size."""
    return QUERY + b" " * (size - len(QUERY))


def test_a_body_in_chunks_may_be_as_large_as_any(live):
    """The limit is the same."""
    assert post_in_chunks(live, padded(LIMIT)).status == 200


@pytest.mark.parametrize("path", ["/graphql", "/o/token/"])
def test_a_body_in_chunks_is_413_over_the_limit(live, path):
    """S48."""
    reply = post_in_chunks(live, padded(LIMIT), b" ", path=path, content_type=JSON if path == "/graphql" else FORM)

    assert reply.status == 413
    assert reply.headers["content-type"].startswith(JSON)


def test_an_endless_body_is_refused_while_it_is_sent(live):
    """S92: the answer comes though the body never ends."""
    address = urlsplit(live.url)
    head = message("POST", "/graphql", **{"Content-Type": JSON, "Transfer-Encoding": "chunked"})
    with socket.create_connection((address.hostname, address.port), 30) as connection:
        connection.sendall(head + b"%x\r\n" % (1 << 30) + b" " * (LIMIT + 8192))
        answer = connection.recv(65536)

    assert parsed(answer).status == 413


MULTIPART = b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n--b--\r\n'
CODECS = ("hex", "zlib", "undefined", "punycode", "utf-7", "utf-16")
"""Charsets that Python knows. In the first four it decodes no address, and the fifth has lone surrogates."""
MANY = "&".join("ab"[number % 2] for number in range(1100))
"""More parameters than Django reads."""


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("path", "status"),
    [("/graphql?query=%2B2AA-{__typename}", 400), ("/nothing?a=b", 404), ("/admin/login/?a=b", 200), ("/?a=b", 200)],
)
def test_the_address_is_read_in_utf_8_whatever_the_charset_of_the_body(live, codec, path, status):
    """S45, S50: never a 5xx, and the headers of every response."""
    reply = send(live.url, message("GET", path, Content_Type=f"text/plain; charset={codec}"))

    assert reply.status in {status, 404}  # without the front end there is none at `/`
    assert "content-security-policy" in reply.headers


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("path", "content_type", "status"),
    [
        ("/graphql?a=b", JSON, 415),
        ("/o/token/?a=b", FORM, 400),
        ("/o/token/", FORM, 400),
        ("/o/token/", "multipart/form-data; boundary=b", 400),
        ("/admin/login/", "multipart/form-data; boundary=b", 403),  # for want of a CSRF token
    ],
)
def test_a_body_in_another_charset_is_refused(live, codec, path, content_type, status):
    """S45."""
    body = MULTIPART if content_type.startswith("multipart") else REFUSED_FORM

    assert post(live, body, path, f"{content_type}; charset={codec}").status == status


def test_parameters_that_an_operation_does_not_use_do_not_hinder_it(live):
    """Django would count them as soon as the body names its charset."""
    assert post(live, QUERY, f"/graphql?{MANY}", f"{JSON}; charset=utf-8").status == 200


def test_too_many_parameters_of_an_operation_are_400(live):
    """S45."""
    reply = send(live.url, message("GET", f"/graphql?query={{__typename}}&{MANY}"))

    assert (reply.status, code_of(reply)) == (400, "BAD_REQUEST")


UNREADABLE = ("x*=nosuch''a", "x*=undefined''%41", "x*=/;x*0=a;x*0=b")
"""Parameters (RFC 2231) at which the parser of the standard library fails, each with another exception."""


@pytest.mark.parametrize("parameter", UNREADABLE)
@pytest.mark.parametrize(
    ("path", "status"), [("/graphql?query={__typename}", 200), ("/nothing", 404), ("/o/token/", 405)]
)
def test_no_parameter_of_accept_is_an_error(live, parameter, path, status):
    """S45."""
    assert send(live.url, message("GET", path, Accept=f"application/json;{parameter}")).status == status


@pytest.mark.parametrize("parameter", UNREADABLE)
@pytest.mark.parametrize(
    ("path", "content_type", "status"),
    [("/graphql", JSON, 415), ("/o/token/", FORM, 400), ("/admin/login/", FORM, 403)],
)
def test_a_content_type_that_cannot_be_read_is_none(live, parameter, path, content_type, status):
    """S45."""
    assert post(live, QUERY, path, f"{content_type};{parameter}").status == status


@pytest.mark.parametrize("parameter", UNREADABLE)
@pytest.mark.parametrize("path", ["/o/token/", "/admin/login/"])
def test_a_part_of_a_form_that_cannot_be_read_is_400(live, parameter, path):
    """S45. What the parser of forms leaves out makes the form incomplete."""
    body = MULTIPART.replace(b'name="token"', f'name="token";{parameter}'.encode())

    assert post(live, body, path, "multipart/form-data; boundary=b").status in {400, 403}


BROKEN = {
    "no size": b"\r\n",
    "a size that is none": b"zz\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than its size": b"2\r\n{}{}\r\n0\r\n\r\n",
    "a negative size": b"-1\r\n",
    "a bad trailer": b"0\r\nx\r\n\r\n",
    "an endless size": b"1" * 100_000,
}


@pytest.mark.parametrize("path", ["/graphql", "/o/token/"])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_chunks_are_400(live, path, name):
    """S45: never a 5xx, and in JSON."""
    reply = post(live, BROKEN[name], path, JSON if path == "/graphql" else FORM, **{"Transfer-Encoding": "chunked"})

    assert reply.status == 400
    assert reply.headers["content-type"].startswith(JSON)


@pytest.mark.parametrize(("path", "content_type"), [("/graphql", JSON), ("/o/token/", FORM)])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate", "gzip, identity", "x"])
def test_a_compressed_body_is_415(live, path, content_type, coding):
    """RFC 9110 §15.5.16: the answer tells what is taken instead."""
    reply = post(live, gzip.compress(QUERY), path, content_type, Content_Encoding=coding)

    assert reply.status == 415
    assert reply.headers["accept-encoding"] == "identity"
    assert reply.headers["content-type"].startswith(JSON)


def test_a_body_without_a_coding_may_say_so(live):
    """`identity` is no coding."""
    assert post(live, QUERY, Content_Encoding="identity").status == 200


@pytest.mark.parametrize("path", ["/", "/graphql?query={__typename}", "/schema.graphql", "/nothing", "/admin/login/"])
def test_head_tells_the_length_and_sends_nothing(live, path):
    """RFC 9110 §9.3.2."""
    head, get = (send(live.url, message(method, path, Accept="*/*")) for method in ("HEAD", "GET"))

    assert (head.status, head.body) == (get.status, b"")
    if path != "/admin/login/":  # its form holds a random token
        assert head.headers["content-length"] == str(len(get.body))


def test_unknown_addresses_answer_programs_in_json(live):
    """A client with a wrong address shows where the right one is."""
    reply = post(live, QUERY, "/api/graphql")

    assert (reply.status, code_of(reply)) == (404, "NOT_FOUND")
    assert b"/graphql" in reply.body


def test_the_schema_is_text_for_any_accept(live):
    """Code generators ask for JSON, or for anything."""
    for accept in ("application/json", "*/*", "text/html", "image/png"):
        reply = send(live.url, message("GET", "/schema.graphql", Accept=accept))

        assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert b"type Mutation" in reply.body


HEADERS = {"Content-Type": JSON, "X-Requested-With": "fetch"}
PLANTED = {
    "U+2000 before": b"\xe2\x80\x80%s=%s",
    "U+2000 after": b"%s\xe2\x80\x80=%s",
    "U+00A0 before": b"\xc2\xa0%s=%s",
    "U+0085 before": b"\xc2\x85%s=%s",
    "U+3000 before": b"\xe3\x80\x80%s=%s",
    "quotes around": b'"%s"=%s',
}


@pytest.fixture(scope="module")
def cookie(live) -> bytes:
    """A live refresh token of somebody."""
    fields = {"email": "eve@example.com", "username": "eve", "firstName": "Eve", "password": PASSWORD}
    tokens = live.post(REGISTER, input=fields)[1]["data"]["register"]["tokens"]
    return str(tokens["refreshToken"]).encode()


def refreshed(live: Live, header: bytes) -> list[str]:
    """The codes of a refresh with this Cookie header."""
    body = json.dumps({"query": REFRESH}).encode()
    origin = live.url.replace("127.0.0.1", "localhost")
    host = origin.removeprefix("http://")
    request = message("POST", "/graphql", body, **HEADERS, Host=host, Origin=origin, Cookie=header.decode("latin-1"))
    payload = json.loads(send(live.url, request).body)["data"]["refreshToken"]
    return [error["code"] for error in payload["errors"]]


@pytest.mark.parametrize("name", PLANTED)
def test_a_cookie_of_almost_the_name_is_another_cookie(live, cookie, name):
    """S91: a browser lets a subdomain set it, and Django would take it for ours."""
    assert refreshed(live, PLANTED[name] % (b"refresh_token", cookie)) == ["INVALID_GRANT"]


@pytest.mark.parametrize("first", [b"refresh_token=%s", b"refresh_token=%s\\"])
def test_a_cookie_that_comes_twice_is_none(live, cookie, first):
    """S91: one of them was planted, and nobody can tell which."""
    assert refreshed(live, first % cookie + b"; refresh_token=" + cookie) == ["INVALID_GRANT"]


def test_the_cookie_is_found_among_others(live, cookie):
    """What other applications of the host set, odd names included, changes nothing. Last: it spends the token."""
    others = b'a=b;\xe2\x80\x80refresh_token=x; broken; =; {"json": 1}=2;'

    assert refreshed(live, others + b"\trefresh_token=%s ;c=d" % cookie) == []


AWAY = [
    ("POST", "/graphql", JSON, json.dumps({"query": "{ users { nodes { id } } }"})),
    ("POST", "/graphql", JSON, json.dumps({"query": REGISTER, "variables": {"input": {
        "email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}}})),
    ("POST", "/o/token/", FORM, REFUSED_FORM.decode()),
    ("GET", "/graphql?query={me{id}}", JSON, ""),
    ("GET", "/admin/login/", JSON, ""),
]  # fmt: skip


def test_a_database_that_is_away_is_503_and_one_line_of_log(tmp_path):
    """At every address that needs it, with a time to come back; and the service answers when the database does."""
    with serving(tmp_path, LOG_LEVEL="WARNING") as live:
        with away(live.environment["DATABASE_URL"]):
            for method, path, content_type, body in AWAY:
                headers = {"Content-Type": content_type, "Authorization": "Bearer unknown", "Cookie": "sessionid=x"}
                reply = send(live.url, message(method, path, body.encode(), **headers))
                if path == "/admin/login/" and reply.status == 200:
                    continue  # a page that asked nothing of the database
                assert (reply.status, code_of(reply)) == (503, "SERVICE_UNAVAILABLE"), path
                assert int(reply.headers["retry-after"]) > 0
                # Besides, the pool tells once of each connection that it has lost.
                told = [line for line in live.log.read_text().splitlines() if " psycopg.pool: " not in line]
                lines = [line for line in told if reply.headers["x-request-id"] in line]
                assert len(lines) == 1, lines
            assert "Traceback" not in live.log.read_text()
        # A process tries again a second after the last failure.
        await_that(lambda: live.post("{ users { nodes { id } } }")[0] == 200)


class away:  # noqa: N801 - reads as a statement
    """The database refuses every connection until the block ends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = url.rpartition("/")[2]

    def __enter__(self) -> None:
        if self.url.startswith("sqlite"):
            path = Path(self.url.removeprefix("sqlite:///"))
            for file in path.parent.glob(f"{path.name}*"):
                file.rename(file.with_name(f"away-{file.name}"))
            path.mkdir()
            return
        self._admin(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        self._admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self.name)

    def __exit__(self, *_: object) -> None:
        if self.url.startswith("sqlite"):
            path = Path(self.url.removeprefix("sqlite:///"))
            path.rmdir()
            for file in path.parent.glob(f"away-{path.name}*"):
                file.rename(file.with_name(file.name.removeprefix("away-")))
            return
        self._admin(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def _admin(self, statement: str, *values: str) -> None:
        with psycopg.connect(f"{self.url.rpartition('/')[0]}/postgres", autocommit=True) as connection:
            connection.execute(statement, values)
