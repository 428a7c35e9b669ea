"""Behind proxies, over real HTTP: whose address, which host, over TLS, below which path."""

import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.shared.caller import address_of
from project.proxies import REQUEST_ID, correct
from project.trust import trusted
from tests.api import REGISTER
from tests.live import ROOT, Live, serving
from tests.project.test_settings import PRODUCTION
from tests.tools import chromium, missing

FORMS = ["{}", "  {}\t", '"{}"']
FORMS_V4 = [
    *FORMS,
    "{}:4711",
    '"{}:4711"',
    "for={}",
    'For="{}:80";proto=https',
    "by=_x;for={}",
    "::ffff:{}",
    "[::ffff:{}]",
]
FORMS_V6 = [*FORMS, "[{}]", "[{}]:4711", 'for="[{}]:4711"', 'proto=http;for="[{}]";by=10.0.0.1', "[{}]:_hidden"]


def fetch(live: Live, path: str, *, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any, str]:
    """Status, headers and text of an answer; redirects are not followed."""
    parts = urlsplit(live.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {**({"Content-Type": "application/json"} if body else {}), **names})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


@given(address=st.ip_addresses(v=4), form=st.sampled_from(FORMS_V4))
def test_an_ipv4_address_is_read_in_each_form(address, form):
    """Azure writes ports, `Forwarded` quotes, a socket for both protocols maps."""
    assert address_of(form.format(address)) == str(address)


@given(address=st.ip_addresses(v=6), form=st.sampled_from(FORMS_V6), upper=st.booleans(), full=st.booleans())
def test_an_ipv6_address_is_read_in_each_form(address, form, upper, full):
    """And kept in one spelling."""
    text = address.exploded if full else str(address)

    assert address_of(form.format(text.upper() if upper else text)) == str(address.ipv4_mapped or address)


@given(text=st.text() | st.text('0123456789abcdef.:[]"%=;,for ', max_size=60))
def test_garbage_is_an_address_or_nobodys(text):
    """S45: never an exception, never what a column for addresses refuses."""
    found = address_of(text)

    assert found is None or address_of(found) == found


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "for=unknown", "for=", "fe80::1%eth0", "[fe80::1%25eth0]", "1.2.3", "1.2.3.4.5",
     "010.1.1.1", "1.2.3.4, 5.6.7.8", "localhost", "[]", "[", "::1]:80", "1.2.3.4:80:90", "\u0661.2.3.4", "1.2.3.4/8",
     "for=for=1.2.3.4", "1.2.3.4\0", "9" * 5000, "[" * 5000, "for=" * 2000],
)  # fmt: skip
def test_what_is_no_address_is_nobodys(text):
    """RFC 7239 §6 has names for hosts that hide; some proxies write them into X-Forwarded-For."""
    assert address_of(text) is None


@pytest.mark.parametrize(
    ("proxies", "stated", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6,203.0.113.9:55", "203.0.113.9"),
        (1, "6.6.6.6, , ,203.0.113.9 , ", "203.0.113.9"),
        (1, "6.6.6.6, unknown", ""),
        (1, "", "10.0.0.1"),
        (1, " , ", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, '6.6.6.6, for="[2001:DB8::1]:1", 10.0.0.2', "2001:db8::1"),
        (2, "203.0.113.9", "203.0.113.9"),
        (3, "6.6.6.6, garbage, 10.0.0.2, 10.0.0.3", ""),
        (1, ("6.6.6.6," * 1000) + "203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_address_is_what_the_outermost_proxy_saw(settings, proxies, stated, address):
    """S55: what a caller writes in front of it does not count."""
    settings.TRUSTED_PROXIES = proxies
    environ = {"REMOTE_ADDR": "10.0.0.1", **({} if stated is None else {"HTTP_X_FORWARDED_FOR": stated})}

    correct(environ)

    assert environ["REMOTE_ADDR"] == address


def test_another_header_can_state_the_address(settings):
    """And then the usual one does not."""
    settings.TRUSTED_PROXIES, settings.CLIENT_ADDRESS_HEADER = 1, "CF-Connecting-IP"
    environ = {
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_X_FORWARDED_FOR": "6.6.6.6",
        "HTTP_CF_CONNECTING_IP": "2001:db8::1",
    }

    correct(environ)

    assert environ["REMOTE_ADDR"] == "2001:db8::1"


@pytest.mark.parametrize(
    ("proxies", "stated", "scheme"),
    [(1, "https", "https"), (1, "HTTPS", "https"), (1, '"https"', "https"), (1, "https, http", "http"),
     (2, "https, http", "https"), (2, "https", "https"), (1, "", "")],
)  # fmt: skip
def test_the_scheme_is_what_the_outermost_proxy_saw(settings, proxies, stated, scheme):
    """In any case of letters, in a list."""
    settings.TRUSTED_PROXIES = proxies
    environ = {"HTTP_X_FORWARDED_PROTO": stated}

    correct(environ)

    assert environ["HTTP_X_FORWARDED_PROTO"] == scheme


OURS = trusted("10.0.0.0/8, fd00::/8, unix")


@pytest.mark.parametrize(
    ("peer", "stated", "address"),
    [
        ("10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9, [fd00::7]:443, 10.0.0.2:80", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "6.6.6.6, 2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "6.6.6.6, garbage, 10.0.0.2", ""),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("", "203.0.113.9", "203.0.113.9"),
        ("", "203.0.113.9, unix:", "203.0.113.9"),
        ("203.0.113.7", "6.6.6.6", "203.0.113.7"),
        ("203.0.113.7", "6.6.6.6, 10.0.0.2", "203.0.113.7"),
        ("2001:db8::7", "fd00::1", "2001:db8::7"),
        ("11.0.0.1", "10.0.0.1", "11.0.0.1"),
    ],
)
def test_of_networks_the_last_address_that_is_no_proxy_s_is_the_client_s(settings, peer, stated, address):
    """S55: whoever does not come through a proxy states nothing."""
    settings.TRUSTED_PROXIES = OURS
    environ = {"REMOTE_ADDR": peer, **({} if stated is None else {"HTTP_X_FORWARDED_FOR": stated})}

    correct(environ)

    assert environ["REMOTE_ADDR"] == address


@pytest.mark.parametrize(
    ("addresses", "stated", "seen"),
    [
        ("203.0.113.9", "https", "https"),
        ("203.0.113.9", "evil, https", "https"),
        ("203.0.113.9, 10.0.0.2", "https, http", "https"),
        ("203.0.113.9, 10.0.0.2", "evil, https, http", "https"),
        ("6.6.6.6, 203.0.113.9", "evil, https", "https"),
    ],
)
@pytest.mark.parametrize("name", ["HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"])
def test_of_networks_scheme_and_host_are_what_the_outermost_proxy_saw(settings, name, addresses, stated, seen):
    """S55: as many entries count as proxies have appended addresses."""
    settings.TRUSTED_PROXIES = OURS
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": addresses, name: stated}

    correct(environ)

    assert environ[name] == seen


@pytest.mark.parametrize(("trust", "peer"), [(0, "10.0.0.1"), (OURS, "203.0.113.7"), (trusted("10.0.0.0/8"), "")])
def test_headers_of_others_are_removed(settings, trust, peer):
    """S55: nothing behind can believe them by mistake."""
    settings.TRUSTED_PROXIES, settings.CLIENT_ADDRESS_HEADER = trust, "CF-Connecting-IP"
    names = ("X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_REQUEST_ID", "CF_CONNECTING_IP")
    environ = {"REMOTE_ADDR": peer, **{f"HTTP_{name}": "12345678" for name in names}}

    correct(environ)

    assert environ == {"REMOTE_ADDR": peer}


@pytest.mark.parametrize("trust", [1, OURS])
def test_the_longest_list_of_proxies_is_read_in_linear_time(settings, trust):
    """S80: at most 32 entries are parsed, whatever a client within a trusted network writes."""
    settings.TRUSTED_PROXIES = trust
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": ",".join(["10.0.0.2"] * 200_000)}
    started = time.process_time()

    correct(environ)

    assert environ["REMOTE_ADDR"] == "10.0.0.2"
    assert time.process_time() - started < 2


ID = "edge-1.2_3A"


@pytest.mark.parametrize(
    ("stated", "taken"),
    [
        (ID, True),
        ("a" * 8, True),
        ("Z" * 128, True),
        ("a" * 7, False),
        ("a" * 129, False),
        (f"{ID},{ID}", False),
        (f"{ID}\n", False),
        (f" {ID}", False),
        ("<script>alert", False),
        ("\u0661" * 8, False),
        ("", False),
    ],
)
def test_a_proxy_s_request_id_counts_if_it_is_one(settings, stated, taken):
    """Exactly, since it stands in the log, in events and in answers."""
    settings.TRUSTED_PROXIES = OURS
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_REQUEST_ID": stated}

    correct(environ)

    assert environ.get(REQUEST_ID) == (stated if taken else None)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service in production behind two proxies, the outer of which terminates TLS and changes the host."""
    directory = tmp_path_factory.mktemp("proxied")
    environment = {name: value for name, value in PRODUCTION.items() if name not in {"DATABASE_URL", "CACHE_URL"}}
    environment |= {"BEHIND_TLS_PROXY": "true", "USE_X_FORWARDED_HOST": "true", "TRUSTED_PROXIES": "2", "DOTENV": ""}
    environment |= {"CSRF_TRUSTED_ORIGINS": "https://admin.example.com", "CORS_ALLOW_HEADERS": "X-Tenant, x-more"}
    environment |= {"CORS_ALLOWED_ORIGINS": "https://app.example.com", "ALLOW_SQLITE_IN_CODE": "true"}
    with serving(directory, **environment) as live:
        yield live


BEHIND = {"Host": "10.1.2.3:8000", "X_Forwarded_Host": "api.example.com", "X_Forwarded_Proto": "https"}
STATED = {
    "one": ("6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
    "two": ("6.6.6.6, [2001:DB8::1]:4711, 10.0.0.2", "2001:db8::1"),
    "three": ("203.0.113.9:80, 10.0.0.2", "203.0.113.9"),
    "four": ("unknown, 10.0.0.2", None),
    "five": ("fe80::1%eth0, 10.0.0.2", None),
    "six": ("garb\u00e4ge, 10.0.0.2", None),
}


def test_a_session_shows_the_callers_address(proxied):
    """Not the proxy's; and garbage is no 5xx on either database."""
    for name, (stated, _address) in STATED.items():
        person = {
            "email": f"{name}@example.com",
            "username": name,
            "firstName": "A",
            "password": "a ship in port is safe",
        }
        body = {"query": REGISTER, "variables": {"input": person}}
        headers = {**BEHIND, "X_Forwarded_For": stated}
        status, _headers, text = fetch(proxied, "/graphql", method="POST", body=body, **headers)
        assert (status, json.loads(text)["data"]["register"]["errors"]) == (200, [])

    code = (
        "import json; from accounts.models import Session; "
        "print(json.dumps(dict(Session.objects.values_list('account__username', 'ip_address'))))"
    )
    shown = json.loads(proxied.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
    assert shown == {name: address for name, (_stated, address) in STATED.items()}


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("api.example.com", 301),
        ("API.example.com", 301),
        ("api.example.com, inner:8000", 301),
        ("evil.example, api.example.com, inner", 301),
        ("evil.example", 400),
        ("evil.example, inner", 400),
        ("api.example.com/x", 400),
        ("[::1", 400),
    ],
)
def test_the_host_is_what_the_outermost_proxy_saw(proxied, forwarded, status):
    """And one of ALLOWED_HOSTS, whatever is stated."""
    answered, headers, _text = fetch(
        proxied, "/o/token/", **{**BEHIND, "X_Forwarded_Host": forwarded, "X_Forwarded_Proto": "http"}
    )

    assert answered == status
    if status == 301:
        assert headers["Location"] == "https://api.example.com/o/token/"


@pytest.mark.parametrize(
    ("origin", "taken"),
    [("https://admin.example.com", True), ("https://api.example.com", True), ("https://evil.example", False)],
)
def test_a_form_is_taken_from_a_trusted_origin(proxied, origin, taken):
    """Of the administration, where a proxy changes host or scheme."""
    _status, headers, page = fetch(proxied, "/admin/login/", **BEHIND)
    token = re.search('csrfmiddlewaretoken" value="([^"]+)', page)[1]  # type: ignore[index]
    cookie = headers["Set-Cookie"].partition(";")[0]
    parts = urlsplit(proxied.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request(
        "POST",
        "/admin/login/",
        f"csrfmiddlewaretoken={token}&username=a&password=b",
        {
            "Host": "10.1.2.3",
            "X-Forwarded-Host": "api.example.com",
            "X-Forwarded-Proto": "https",
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": cookie,
            "Origin": origin,
        },
    )

    assert (connection.getresponse().status == 403) != taken
    connection.close()


def allowed_headers(proxied: Live, asked: str) -> list[str]:
    """What a preflight that asks for these headers is told."""
    _status, headers, _text = fetch(
        proxied,
        "/graphql",
        method="OPTIONS",
        **BEHIND,
        Origin="https://app.example.com",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers=asked,
    )
    return headers["Access-Control-Allow-Headers"].split(", ")


@pytest.mark.parametrize(
    "header",
    ["apollographql-client-name", "apollographql-client-version", "X-Request-ID", "X-Datadog-Trace-Id", "traceparent",
     "sentry-trace", "baggage", "newrelic", "x-b3-traceid", "X-Amzn-Trace-Id", "Request-Id", "authorization",
     "X-Tenant", "x-more"],
)  # fmt: skip
def test_a_preflight_allows_the_headers_of_the_usual_clients(proxied, header):
    """And those of the setting."""
    allowed = allowed_headers(proxied, f"content-type,{header.lower()}")

    assert header.lower() in allowed


def test_a_preflight_allows_no_other_header(proxied):
    """S49: nor is there a pattern."""
    allowed = allowed_headers(proxied, "cookie")

    assert not {"cookie", "host", "end-user-ip", "x-forwarded-for", "*"} & set(allowed)


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service below a path."""
    with serving(tmp_path_factory.mktemp("below"), SCRIPT_NAME="/auth", DOTENV="") as live:
        yield live


@pytest.mark.parametrize("prefix", ["/auth", ""])
@pytest.mark.parametrize("page", ["/graphql", "/admin/login/", "/", "/sign-in", "/no/such/page"])
def test_the_links_of_a_page_work_below_a_path(below, page, prefix):
    """Whether the proxy passes the path on or takes it off."""
    _status, _headers, text = fetch(below, prefix + page, Accept="text/html")

    links = re.findall(r'(?:src|href|action|data-endpoint)="(/[^"]*)"', text)
    assert links or "not built" in text or "no-such" in text or "errors" in text or "curl" in text
    for link in links:
        assert link.startswith("/auth/"), link
        assert fetch(below, link, Accept="text/html,*/*")[0] in {200, 302, 400}, link


def test_a_browser_finds_its_way_below_a_path(below):
    """The page's script takes the path from its own address."""
    if not (ROOT / "frontend" / "dist" / "app").is_dir():
        missing("the front end is not built")
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"{below.url}/auth/sign-in"], capture_output=True, text=True, timeout=120, check=True
    )

    assert 'type="password"' in done.stdout
    assert 'href="/auth/register"' in done.stdout


def test_the_api_answers_below_a_path(below):
    """In full; and the path itself is the front page."""
    assert fetch(below, "/auth/graphql", method="POST", body={"query": "{ me { id } }"})[0] == 200
    assert fetch(below, "/auth/schema.graphql")[0] == 200
    assert fetch(below, "/auth", Accept="text/html")[0] == fetch(below, "/auth/", Accept="text/html")[0]
    assert fetch(below, "/authgraphql", method="POST", body={"query": "{ me { id } }"})[0] == 404
    assert "Traceback" not in below.log.read_text()


def test_the_metadata_names_urls_below_the_path(below):
    """Each of them answers. RFC 8414 §3.1 puts the document of such an issuer in front of the path."""
    issuer = f"{below.url}/auth"
    for path in ("/auth/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/auth"):
        status, _headers, text = fetch(below, path)
        assert status == 200
        metadata = json.loads(text)
        assert metadata["issuer"] == issuer
        for name, url in metadata.items():
            if name.endswith("_endpoint"):
                assert url.startswith(f"{issuer}/o/")
                assert fetch(below, urlsplit(url).path, method="POST", body={})[0] in {400, 401}
    resource = json.loads(fetch(below, "/.well-known/oauth-protected-resource/auth/graphql")[2])
    assert resource["resource"] == f"{issuer}/graphql"


def test_cookies_are_set_for_the_path(below):
    """In development; a `__Host-` cookie has to be for `/`."""
    _status, headers, _text = fetch(below, "/auth/admin/login/")
    assert "Path=/auth/" in headers["Set-Cookie"]

    person = {"email": "a@example.com", "username": "a", "firstName": "A", "password": "a ship in port is safe"}
    body = {"query": REGISTER, "variables": {"input": {**person, "refreshTokenTransport": "COOKIE"}}}
    own = {"Origin": below.url, "X_Requested_With": "x"}
    _status, headers, text = fetch(below, "/auth/graphql", method="POST", body=body, **own)

    assert json.loads(text)["data"]["register"]["errors"] == []
    assert "Path=/auth/;" in headers["Set-Cookie"]


def test_a_header_does_not_choose_the_path(below):
    """Gunicorn takes it from anybody on this machine, or whose request comes through a proxy here."""
    parts = urlsplit(below.url)
    for name in ("SCRIPT_NAME", "Script-Name", "X-Script-Name", "X-Forwarded-Prefix"):
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        connection.request("GET", "/auth/schema.graphql", headers={name: "/evil"})
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.parametrize("trusted_proxies", ["0", "192.0.2.0/24,unix"])
def test_without_proxies_their_headers_say_nothing(tmp_path, trusted_proxies):
    """S55: address, host, scheme, path and request ID are the connection's own, also if the proxies are elsewhere."""
    with serving(tmp_path, DOTENV="", TRUSTED_PROXIES=trusted_proxies) as live:
        stated = {
            "X_Request_ID": "chosen-by-a-stranger",
            "X_Forwarded_For": "6.6.6.6",
            "X_Real_IP": "6.6.6.6",
            "Forwarded": "for=6.6.6.6",
            "X_Forwarded_Host": "evil.example",
            "X_Forwarded_Proto": "https",
            "SCRIPT_NAME": "/evil",
        }
        person = {"email": "a@example.com", "username": "a", "firstName": "A", "password": "a ship in port is safe"}
        body = {"query": REGISTER, "variables": {"input": person}}
        status, headers, _text = fetch(live, "/graphql", method="POST", body=body, **stated)
        assert status == 200
        assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])
        _status, _headers, page = fetch(live, "/.well-known/oauth-authorization-server", **stated)
        code = "from accounts.models import Session; print(Session.objects.get().ip_address)"
        assert live.manage("shell", "--no-imports", "-c", code).split()[-1] == "127.0.0.1"

    assert json.loads(page)["issuer"] == live.url
