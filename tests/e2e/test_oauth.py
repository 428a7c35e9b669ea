"""The OAuth endpoints as REST clients meet them: over HTTP, through the whole middleware, without a CSRF token."""

import base64
import http.client
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.api import AUTH_PAYLOAD, ME, PASSWORD
from tests.live import Live, serving
from tests.providers.issuer import s256

TOKEN, REVOKE, INTROSPECT = "/o/token/", "/o/revoke_token/", "/o/introspect/"
ENDPOINTS = [TOKEN, REVOKE, INTROSPECT]
WELL_KNOWN = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
FORM = "application/x-www-form-urlencoded"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
TOO_MUCH = "x" * (200 * 1024)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An answer, of which the body is JSON."""

    status: int
    headers: Any
    body: Any

    @property
    def error(self) -> tuple[int, str]:
        """Status and code."""
        return self.status, self.body["error"]


class Service:
    """A running server and its clients."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.secrets = {name: self._client(name) for name in ("server", "other", "machine")}
        self.shell("Client.objects.filter(client_id='machine').update(authorization_grant_type='client-credentials')")
        live.manage("ensure_client", "--client-id", "ios")

    def _client(self, client_id: str) -> str:
        return self.live.manage("ensure_client", "--client-id", client_id, "--confidential").split()[-1]

    def shell(self, statement: str) -> str:
        """Run a statement beside the server."""
        return self.live.manage("shell", "-v", "0", "-c", f"from accounts.models import *; {statement}")

    def basic(self, client_id: str, secret: str | None = None) -> dict[str, str]:
        """A client's Authorization header."""
        pair = f"{client_id}:{self.secrets[client_id] if secret is None else secret}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """One request as it is written here; the answer has to be JSON, or empty."""
        connection = http.client.HTTPConnection(urlsplit(self.live.url).netloc, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        assert response.status < 500
        return Answer(response.status, response.headers, json.loads(content) if content else None)

    def post(self, path: str, form: Any, headers: dict[str, str] | None = None) -> Answer:
        """A form."""
        answer = self.send("POST", path, urlencode(form), {"Content-Type": FORM, **(headers or {})})
        assert answer.headers["Content-Type"] == "application/json"
        assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
        return answer

    def sign_in(self, **client: Any) -> dict[str, str]:
        """A new account's tokens."""
        number = next(_numbers)
        given = {"email": f"a{number}@example.com", "username": f"a{number}", "firstName": "Ada", "password": PASSWORD}
        query = f"mutation ($input: RegisterInput!) {{ register(input: $input) {{ {AUTH_PAYLOAD} }} }}"
        _status, answer = self.live.post(query, input={**given, **client})
        assert answer["data"]["register"]["errors"] == []
        tokens: dict[str, str] = answer["data"]["register"]["tokens"]
        return tokens

    def opens(self, access_token: str) -> bool:
        """Whether the API takes the token."""
        return self.live.post(ME, headers={"Authorization": f"Bearer {access_token}"})[0] == 200


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Any:
    """The server of this module."""
    with serving(tmp_path_factory.mktemp("live"), ARGON2_MEMORY_COST="8", ARGON2_TIME_COST="1") as live:
        yield Service(live)


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_public_client_refreshes_and_revokes(service, slash):
    """S81: with its `client_id` alone, and without the slash, where a redirect would lose the POST."""
    tokens = service.sign_in()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refreshToken"], "client_id": "web"}

    refreshed = service.post("/o/token" + slash, form)

    assert (refreshed.status, refreshed.body["token_type"]) == (200, "Bearer")
    assert service.opens(refreshed.body["access_token"])
    token = {"token": refreshed.body["access_token"], "client_id": "web"}
    assert service.post("/o/revoke_token" + slash, token).status == 200
    assert not service.opens(refreshed.body["access_token"])
    form["refresh_token"] = refreshed.body["refresh_token"]
    assert service.post("/o/token" + slash, form).error == (400, "invalid_grant")


@pytest.mark.parametrize("scheme", ["Basic", "basic", None])
def test_a_confidential_client_refreshes_introspects_and_revokes(service, scheme):
    """RFC 6749 §2.3.1: by a header, whose scheme has no case, or in the body."""
    secret = service.secrets["server"]
    tokens = service.sign_in(clientId="server", clientSecret=secret)
    headers = {key: value.replace("Basic", scheme) for key, value in service.basic("server").items()} if scheme else {}
    proof = {} if scheme else {"client_id": "server", "client_secret": secret}

    form = {"grant_type": "refresh_token", "refresh_token": tokens["refreshToken"], **proof}
    refreshed = service.post(TOKEN, form, headers).body
    token = {"token": refreshed["access_token"], **proof}
    introspected = service.post("/o/introspect", token, headers).body

    assert (introspected["active"], introspected["client_id"], introspected["scope"]) == (True, "server", "account")
    assert service.post(REVOKE, {**token, "token": refreshed["refresh_token"]}, headers).status == 200
    assert service.post(INTROSPECT, token, headers).body == {"active": False}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_unproven_client_is_refused_with_a_challenge(service, path):
    """RFC 6749 §5.2, RFC 7662 §2.3, RFC 9110 §15.5.2: and the token goes on."""
    tokens = service.sign_in(clientId="server", clientSecret=service.secrets["server"])
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refreshToken"], "token": tokens["accessToken"]}
    for more, headers in [
        ({}, {}),
        ({"client_id": "server"}, {}),
        ({"client_id": "nobody"}, {}),
        ({"client_id": "server", "client_secret": "wrong"}, {}),
        ({"client_id": "web", "client_secret": "wrong"}, {}),
        ({"client_id": "server"}, service.basic("server", "wrong")),
        ({}, service.basic("web", "")),
        ({}, service.basic("server", service.secrets["other"])),
        ({}, {"Authorization": "Basic ="}),
        ({}, {"Authorization": f"Bearer {tokens['accessToken']}"}),
    ]:
        answer = service.post(path, {**form, **more}, headers)

        assert answer.error == (401, "invalid_client"), (more, headers)
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert service.opens(tokens["accessToken"])


def test_a_public_client_does_not_introspect(service):
    """RFC 7662 §2.1: who only states an id would scan for tokens."""
    answer = service.post(INTROSPECT, {"token": service.sign_in()["accessToken"], "client_id": "web"})

    assert answer.error == (401, "invalid_client")


@pytest.mark.parametrize(
    "grant_type",
    ["password", "implicit", "openid", "urn:ietf:params:oauth:grant-type:device_code", "convert_token", "__class__"],
)
def test_a_grant_that_is_not_offered_is_unsupported(service, grant_type):
    """S27, RFC 6749 §5.2: whoever asks, and however well."""
    tokens = service.sign_in()
    credentials = {"username": "a1@example.com", "password": PASSWORD, "code": "x", "device_code": "x"}
    for more, headers in [
        ({"client_id": "web"}, {}),
        ({"client_id": "nobody"}, {}),
        ({}, service.basic("server")),
        ({}, service.basic("machine")),
    ]:
        form = {"grant_type": grant_type, "refresh_token": tokens["refreshToken"], **credentials, **more}

        assert service.post(TOKEN, form, headers).error == (400, "unsupported_grant_type")
    assert service.opens(tokens["accessToken"])


def test_client_credentials_are_for_clients_that_have_the_grant(service):
    """RFC 6749 §4.4, §5.2: none that `ensure_client` makes; the token is nobody's."""
    form = {"grant_type": "client_credentials"}
    granted = service.post(TOKEN, form, service.basic("machine"))

    assert (granted.status, granted.body["scope"]) == (200, "account")
    assert "refresh_token" not in granted.body
    assert not service.opens(granted.body["access_token"])
    assert service.post(TOKEN, form, service.basic("server")).error == (400, "unauthorized_client")
    assert service.post(TOKEN, {**form, "client_id": "web"}).error == (401, "invalid_client")
    token = {"token": granted.body["access_token"]}
    assert service.post(REVOKE, token, service.basic("machine")).status == 200
    assert service.post(INTROSPECT, token, service.basic("server")).body == {"active": False}


@pytest.mark.parametrize("kind", ["accessToken", "refreshToken"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else", None])
def test_a_hint_does_not_decide_what_is_revoked(service, kind, hint):
    """RFC 7009 §2.1: an unknown or wrong hint is ignored; both kinds of token are supported."""
    tokens = service.sign_in()
    form = {"token": tokens[kind], "client_id": "web", **({"token_type_hint": hint} if hint else {})}

    answer = service.post(REVOKE, form)

    assert (answer.status, answer.body) == (200, {})
    assert not service.opens(tokens["accessToken"])


def test_an_unknown_token_is_revoked_already(service):
    """RFC 7009 §2.2: no error, and twice is once."""
    tokens = service.sign_in()
    for token in ("nobodys", tokens["refreshToken"], tokens["refreshToken"], "é" * 1000):
        assert service.post(REVOKE, {"token": token, "client_id": "web"}).status == 200


@pytest.mark.parametrize("kind", ["accessToken", "refreshToken"])
def test_another_clients_token_is_not_revoked(service, kind):
    """RFC 7009 §2.1: refused and without effect, be the other client public or not."""
    tokens = service.sign_in()
    for more, headers in [({"client_id": "ios"}, {}), ({}, service.basic("server"))]:
        answer = service.post(REVOKE, {"token": tokens[kind], **more}, headers)

        assert answer.error == (400, "invalid_grant")
    assert service.opens(tokens["accessToken"])
    log = service.live.log.read_text()
    assert "revocation refused: wrong client" in log
    assert tokens[kind] not in log


def test_another_clients_machine_token_is_not_revoked(service):
    """RFC 7009 §2.1: a token without a session too."""
    token = service.post(TOKEN, {"grant_type": "client_credentials"}, service.basic("machine")).body["access_token"]

    assert service.post(REVOKE, {"token": token}, service.basic("server")).error == (400, "invalid_grant")
    assert service.post(INTROSPECT, {"token": token}, service.basic("server")).body["active"] is True


@pytest.mark.parametrize("kind", ["accessToken", "refreshToken"])
def test_another_clients_token_is_not_refreshed(service, kind):
    """S20, S74: nor is an access token; the cause is in the log alone."""
    tokens = service.sign_in()
    form = {"grant_type": "refresh_token", "refresh_token": tokens[kind], "client_id": "ios"}

    assert service.post(TOKEN, form).error == (400, "invalid_grant")

    cause = {"accessToken": "unknown", "refreshToken": "wrong client"}[kind]
    assert f"refresh refused: {cause} (client " in service.live.log.read_text()
    assert service.opens(tokens["accessToken"])


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_405(service, method, path, slash):
    """S81: with `Allow`, and as JSON; a token in the address is not looked at."""
    answer = service.send(method, f"{path[:-1]}{slash}?token=x&client_id=server")

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert method == "HEAD" or answer.body["error"] == "invalid_request"


@pytest.mark.parametrize("path", [WELL_KNOWN, RESOURCE, f"{RESOURCE}/graphql"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_metadata_is_only_read(service, method, path):
    """S81: 405 as JSON, not 403 for want of a CSRF token."""
    answer = service.send(method, path, "a=b", {"Content-Type": FORM})

    assert (answer.error, answer.headers["Allow"]) == ((405, "invalid_request"), "GET, HEAD, OPTIONS")


def multipart(*fields: tuple[str, str]) -> bytes:
    """A body of this kind, with the boundary `b`."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    return ("".join(parts) + "--b--\r\n").encode()


MALFORMED = {
    "json": ("application/json", b'{"grant_type": "refresh_token", "token": "x", "client_id": "web"}', 400),
    "json, malformed": ("application/json", b"{", 400),
    "text": ("text/plain", b"grant_type=refresh_token&token=x", 400),
    "no type": ("", b"grant_type=refresh_token&token=x", 400),
    "empty": (FORM, b"", 400),
    "another charset": (f"{FORM}; charset=utf-16", "token=x&grant_type=refresh_token".encode("utf-16"), 400),
    "repeated": (FORM, b"grant_type=refresh_token&grant_type=refresh_token&token=x&token=x", 400),
    "repeated client": (FORM, b"grant_type=refresh_token&token=x&client_id=web&client_id=server", 400),
    "NUL": (FORM, b"grant_type=refresh_token&refresh_token=x%00&token=x%00&client_id=web", 400),
    "NUL in the client": (FORM, b"grant_type=refresh_token&refresh_token=x&token=x&client_id=web%00", 400),
    "huge": (FORM, f"grant_type=refresh_token&token=x&refresh_token={TOO_MUCH}".encode(), 413),
    "many": (FORM, b"&".join(b"a%d=b" % number for number in range(2000)), 400),
    "multipart without a boundary": ("multipart/form-data", b"x", 400),
    "multipart, malformed": ("multipart/form-data; boundary=b", b"--b\r\nx", 400),
    "multipart, huge": (
        "multipart/form-data; boundary=b",
        multipart(("token", TOO_MUCH), ("grant_type", "refresh_token")),
        413,
    ),
    "multipart, repeated": ("multipart/form-data; boundary=b", multipart(("token", "x"), ("token", "x")), 400),
}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_body_is_an_invalid_request(service, path, kind):
    """RFC 6749 §3.2, §5.2: JSON, never a 5xx, and nothing of it comes back."""
    content_type, body, status = MALFORMED[kind]
    headers = {**service.basic("server"), **({"Content-Type": content_type} if content_type else {})}

    answer = service.send("POST", path, body, headers)

    assert answer.error == (status, "invalid_request")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "xxx" not in str(answer.body)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_client_that_authenticates_twice_is_refused(service, path):
    """RFC 6749 §2.3: one method in each request."""
    form = {"grant_type": "refresh_token", "token": "x", "refresh_token": "x"}
    proof = {"client_id": "server", "client_secret": service.secrets["server"]}

    assert service.post(path, {**form, **proof}, service.basic("server")).error == (400, "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_unknown_and_overlong_values_are_answered(service, path):
    """Parameters that nobody knows are ignored (RFC 6749 §3.2), repeated or not; long ones are merely wrong."""
    long = "x" * 60_000
    for form in (
        {"grant_type": "refresh_token", "refresh_token": long, "client_id": "web", "token": long},
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": long, "token": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x", "scope": long, "client_id": "web", "token": "x"},
        {"grant_type": long, "token": "x", "client_id": "web", "token_type_hint": long},
        [("a", "1"), ("a", "\0"), ("grant_type", "refresh_token"), ("refresh_token", "\ufffd"), ("client_id", "web")],
    ):
        assert service.post(path, form).status in {200, 400, 401}
        assert service.post(path, form, service.basic("server")).status in {200, 400, 401}


def test_a_disabled_accounts_tokens_are_worth_nothing(service):
    """S13: neither the refresh token nor, at a resource server, the access token."""
    tokens = service.sign_in()
    service.shell("Account.objects.update(is_active=False)")
    try:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refreshToken"], "client_id": "web"}
        assert service.post(TOKEN, form).error == (400, "invalid_grant")
        introspected = service.post(INTROSPECT, {"token": tokens["accessToken"]}, service.basic("server"))
        assert introspected.body == {"active": False}
    finally:
        service.shell("Account.objects.update(is_active=True)")


def test_of_simultaneous_exchanges_of_a_code_one_succeeds(service):
    """RFC 6749 §4.1.2: and none of the others is an error of ours."""
    service.sign_in()
    service.shell(
        "from oauth2_provider.models import get_grant_model; from django.utils import timezone;"
        "get_grant_model().objects.create(user=Account.objects.filter(is_active=True).first(), code='a-code',"
        " application=Client.objects.get(client_id='server'), expires=timezone.now() + timezone.timedelta(minutes=5),"
        f" redirect_uri='https://a.example', scope='account', code_challenge='{s256(VERIFIER)}',"
        " code_challenge_method='S256')"
    )
    form = {
        "grant_type": "authorization_code",
        "code": "a-code",
        "code_verifier": VERIFIER,
        "redirect_uri": "https://a.example",
    }
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: service.post(TOKEN, form, service.basic("server")), range(8)))

    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert {answer.body["error"] for answer in answers if answer.status == 400} == {"invalid_grant"}
    (tokens,) = [answer.body for answer in answers if answer.status == 200]
    assert service.opens(tokens["access_token"])


def test_the_metadata_says_what_is_served(service):
    """RFC 8414: word for word, so that a new promise is a decision."""
    answer = service.send("GET", WELL_KNOWN)

    url = service.live.url
    secret = ["client_secret_basic", "client_secret_post"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.body == {
        "issuer": url,
        "token_endpoint": f"{url}{TOKEN}",
        "token_endpoint_auth_methods_supported": ["none", *secret],
        "revocation_endpoint": f"{url}{REVOKE}",
        "revocation_endpoint_auth_methods_supported": ["none", *secret],
        "introspection_endpoint": f"{url}{INTROSPECT}",
        "introspection_endpoint_auth_methods_supported": secret,
        "grant_types_supported": ["refresh_token"],
        "response_types_supported": [],
        "scopes_supported": ["account"],
    }


@pytest.mark.parametrize("suffix", ["", "/graphql"])
def test_the_api_names_its_authorization_server(service, suffix):
    """RFC 9728 §3.3: the resource is the one that was asked for."""
    answer = service.send("GET", f"{RESOURCE}{suffix}")

    assert answer.body == {
        "resource": f"{service.live.url}{suffix}",
        "authorization_servers": [service.live.url],
        "scopes_supported": ["account"],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "localhost"])
def test_the_host_header_adds_nothing_to_the_metadata(service, host):
    """S91: in development it picks one of the service's own addresses."""
    port = urlsplit(service.live.url).port

    for path in (WELL_KNOWN, RESOURCE):
        document = service.send("GET", path, headers={"Host": host}).body
        assert (document.get("issuer") or document["resource"]) == f"http://localhost:{port}"


def test_the_public_url_is_the_issuer(tmp_path):
    """S91, RFC 8414 §3.1: whatever Host says, with its path, and where a path puts the document."""
    url = "https://example.org/auth"
    with serving(tmp_path, PUBLIC_URL=f"{url}/") as live:
        service = object.__new__(Service)
        service.live = live
        for path in (WELL_KNOWN, f"{WELL_KNOWN}/auth"):
            document = service.send("GET", path).body
            assert (document["issuer"], document["token_endpoint"]) == (url, f"{url}{TOKEN}")
        for path, resource in [("", url), ("/auth", url), ("/auth/graphql", f"{url}/graphql")]:
            document = service.send("GET", f"{RESOURCE}{path}").body
            assert (document["resource"], document["authorization_servers"]) == (resource, [url])
