"""Whatever a field is given: a typed error or a 4xx, never a 5xx, and nothing is stored."""

import base64
import json
from typing import Any

import pytest

from accounts.people.models import Account
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.browser import Browser
from tests.factories import make_account, make_client

RLO = "\u202e"
INPUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "register": (
        REGISTER,
        {
            "email": "new@example.com", "username": "new", "firstName": "New", "lastName": "New",
            "password": PASSWORD, "clientId": "web", "clientSecret": None, "scope": "account",
        },
    ),
    "tokenAuth": (
        TOKEN_AUTH,
        {
            "email": "ada@example.com", "password": PASSWORD, "clientId": "web", "clientSecret": None,
            "scope": "account",
        },
    ),
    "refreshToken": (
        REFRESH, {"refreshToken": "TOKEN", "clientId": "web", "clientSecret": None, "scope": "account"},
    ),
    "revokeToken": (REVOKE, {"token": "TOKEN", "clientId": "web", "clientSecret": None}),
    "convertSocialToken": (
        CONVERT,
        {"provider": "google", "credential": {"accessToken": "x"}, "clientId": "web", "clientSecret": None,
        "scope": None},
    ),
}  # fmt: skip
FIELDS = [
    (mutation, field)
    for mutation, (_query, fields) in INPUTS.items()
    for field in fields
    if (mutation, field) != ("convertSocialToken", "credential")
]
OPTIONAL = {"clientId", "clientSecret", "scope", "lastName", "token", "refreshToken"}
TEXTS = {
    "empty": "",
    "blank": "   ",
    "NUL": "\0",
    "NUL inside": "a\0b@example.com",
    "RLO": f"{RLO}moc.elpmaxe@ada",
    "a control character": "\x1b[2J\x07",
    "line breaks": "a\r\nBcc: eve@example.com",
    "a homograph address": "\u0430da@ex\u0430mple.com",
    "non-characters": "\uffff\ufdd0",
    "an emoji": "🦊",
    "combining marks": "a" + "\u0301" * 2000,
    "ten thousand characters": "x" * 10_000,
    "a hundred thousand characters": "x" * 100_000,
    "a long address": "x" * 50_000 + "@" + "y." * 10_000 + "com",
    "a long foreign domain": "x@" + "ü" * 20_000 + ".example",
    "many labels of a foreign domain": "x@" + "ü." * 15_000 + "example",
    "quotes": "' OR 1=1 --",
    "a template": "{{ 7*7 }}${7*7}%s%(x)s",
    "a path": "../../etc/passwd",
    "a URL": "http://169.254.169.254/",
    "numbers of other scripts": "١٢٣",
}
TYPES = {
    "a number": 5,
    "a huge number": 10**400,
    "a float": 1.5,
    "true": True,
    "a list": ["a"],
    "an object": {"a": "b"},
    "a deep list": json.loads("[" * 50 + "]" * 50),
}


@pytest.fixture(autouse=True)
def somebody(default_client):
    """An account that each attempt could harm."""
    return make_account(email="ada@example.com", username="ada")


@pytest.fixture
def before(somebody):
    """What is stored; `before()` fails if anything is different now."""
    models: list[Any] = [Account, Client, Session, AccessToken, RefreshToken]

    def rows():
        return [list(model.objects.order_by("pk").values()) for model in models]

    then = rows()

    def unchanged():
        assert rows() == then

    return unchanged


def send(body: bytes | dict) -> tuple[int, dict]:
    """Status and body, by a client that does not raise what a server would answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = Browser(raise_request_exception=False).post(
        "/graphql",
        data,
        content_type="application/json",
        headers={"Accept": "application/graphql-response+json"},
    )
    assert response["Content-Type"].startswith("application/graphql-response+json")
    return response.status_code, json.loads(response.content)


def attempt(mutation: str, field: str, value: object) -> tuple[int, dict]:
    """The mutation with one field changed."""
    query, fields = INPUTS[mutation]
    fields = {**fields, field: value}
    if mutation == "convertSocialToken" and field == "accessToken":
        fields.pop("accessToken")
        fields["credential"] = {"accessToken": value}
    return send({"query": query, "variables": {"input": fields}})


@pytest.mark.parametrize(("mutation", "field"), [*FIELDS, ("convertSocialToken", "accessToken")])
@pytest.mark.parametrize("name", TEXTS)
def test_no_text_brings_the_service_down(before, monkeypatch, mutation, field, name):
    """A typed error, or for an optional field of no consequence the answer as without it."""
    if mutation == "convertSocialToken":
        # Providers are the business of test_social: here nothing may get as far as the network.
        monkeypatch.setattr("socket.socket.connect", refuse_network)

    status, body = attempt(mutation, field, TEXTS[name])

    assert status in {200, 400, 413}, body
    assert "INTERNAL_SERVER_ERROR" not in json.dumps(body)
    if status != 200:
        return before()
    payload = body["data"][mutation]
    if payload["errors"]:
        before()
        assert all(error["code"] and error["message"] for error in payload["errors"])
        assert payload.get("tokens") is None
    else:
        # What was accepted is harmless there.
        assert harmless(mutation, field, name), payload
    return None


def refuse_network(*_args):
    """Fail as without a network."""
    raise OSError("no network in this test")


def harmless(mutation: str, field: str, name: str) -> bool:
    """Whether the field may hold that text."""
    if mutation == "revokeToken" and field == "token":
        return True  # an unknown token is no error (RFC 7009 §2.2)
    if (mutation, field) == ("register", "password"):
        return True  # any characters (S5)
    if name in {"empty", "blank"}:
        return field in {"clientId", "clientSecret", "scope", "lastName"}
    if field in {"firstName", "lastName"}:
        return name in {"an emoji", "quotes", "numbers of other scripts", "a template", "a homograph address"}
    if field == "username":
        return name == "numbers of other scripts"
    return False


@pytest.mark.parametrize(("mutation", "field"), [*FIELDS, ("convertSocialToken", "accessToken")])
@pytest.mark.parametrize("name", TYPES)
def test_a_value_of_another_type_is_bad_user_input(before, mutation, field, name):
    """400, and the value is not in the message (S47)."""
    status, body = attempt(mutation, field, TYPES[name])

    assert status == 400
    assert "data" not in body
    assert {error["extensions"]["code"] for error in body["errors"]} <= {"BAD_USER_INPUT", "BAD_REQUEST"}
    before()


@pytest.mark.parametrize(("mutation", "field"), [*FIELDS, ("convertSocialToken", "credential")])
@pytest.mark.parametrize("how", ["missing", "null"])
def test_a_field_left_out(before, mutation, field, how):
    """BAD_USER_INPUT where it is required, the default where it is not; null is leaving out."""
    query, fields = INPUTS[mutation]
    fields = {name: value for name, value in fields.items() if name != field or how == "null"}
    if how == "null":
        fields[field] = None

    status, body = send({"query": query, "variables": {"input": fields}})

    if field in OPTIONAL:
        assert status == 200, body
        assert "errors" not in body
    else:
        assert status == 400
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        before()


@pytest.mark.parametrize("mutation", [m for m in INPUTS if m not in {"refreshToken", "revokeToken"}])
@pytest.mark.parametrize("variables", [{}, {"input": None}, {"input": []}, {"input": "x"}, {"input": {}}])
def test_an_input_that_is_none(before, mutation, variables):
    """BAD_USER_INPUT."""
    status, body = send({"query": INPUTS[mutation][0], "variables": variables})

    assert status == 400
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}
    before()


@pytest.mark.parametrize(("mutation", "field"), FIELDS)
@pytest.mark.parametrize("surrogate", [r"\ud800", r"a\udfffb", r"\udc00\ud800"])
def test_a_lone_surrogate_is_400(before, mutation, field, surrogate):
    """RFC 7493 §2.1: refused where JSON is decoded; no database driver could store it."""
    query, fields = INPUTS[mutation]
    body = json.dumps({"query": query, "variables": {"input": {**fields, field: "SURROGATE"}}})

    status, answer = send(body.replace("SURROGATE", surrogate).encode())

    assert status == 400
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    before()


def test_a_lone_surrogate_in_the_query_text_is_400(before):
    r"""GraphQL's own escapes are no way around: `"\ud800"` in the document."""
    query = r'mutation { tokenAuth(input: {email: "\ud800", password: "x"}) { isNewAccount } }'

    status, body = send({"query": query})

    assert status == 400
    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    before()


@pytest.mark.parametrize(("mutation", "field"), FIELDS)
def test_a_megabyte_is_413(before, mutation, field):
    """Before it is parsed."""
    status, body = attempt(mutation, field, "x" * 1_000_000)

    assert status == 413
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    before()


@pytest.mark.parametrize("mutation", INPUTS)
def test_an_unknown_field_is_bad_user_input(before, mutation):
    """A typing error of a front end is told."""
    query, fields = INPUTS[mutation]

    status, body = send({"query": query, "variables": {"input": {**fields, "admin": True}}})

    assert status == 400
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    before()


@pytest.mark.parametrize("credential", [{}, {"accessToken": None}, {"accessToken": "a", "idToken": "b"}, {"code": "x"}])
def test_a_credential_is_exactly_one(before, credential):
    """@oneOf."""
    status, body = attempt("convertSocialToken", "credential", credential)

    assert status == 400
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    before()


NASTY = ["\0", "a\0b", RLO, "é", "🦊", "", " ", "x" * 50_000, "%00", "' OR 1=1 --"]
OAUTH = {
    "token: client_id": ("/o/token/", {"grant_type": "refresh_token", "refresh_token": "x"}, "client_id"),
    "token: client_secret": (
        "/o/token/", {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "web"},
        "client_secret",
    ),
    "token: refresh_token": ("/o/token/", {"grant_type": "refresh_token", "client_id": "web"},
    "refresh_token"),
    "token: scope": (
        "/o/token/", {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "x"}, "scope",
    ),
    "token: code": (
        "/o/token/",
        {"grant_type": "authorization_code", "client_id": "web", "redirect_uri": "https://x",
        "code_verifier": "x" * 43},
        "code",
    ),
    "token: redirect_uri": (
        "/o/token/", {"grant_type": "authorization_code", "client_id": "web", "code": "x"}, "redirect_uri",
    ),
    "token: code_verifier": (
        "/o/token/", {"grant_type": "authorization_code", "client_id": "web", "code": "x"}, "code_verifier",
    ),
    "token: grant_type": ("/o/token/", {"client_id": "web"}, "grant_type"),
    "token: resource": (
        "/o/token/", {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "x"}, "resource",
    ),
    "token: device_code": (
        "/o/token/",
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "web"},
        "device_code",
    ),
    "revoke: token": ("/o/revoke_token/", {"client_id": "web"}, "token"),
    "revoke: client_id": ("/o/revoke_token/", {"token": "x"}, "client_id"),
    "revoke: token_type_hint": ("/o/revoke_token/", {"token": "x", "client_id": "web"}, "token_type_hint"),
    "introspect: token": ("/o/introspect/", {}, "token"),
    "introspect: client_id": ("/o/introspect/", {"token": "x", "client_secret": "x"}, "client_id"),
    "introspect: client_secret": ("/o/introspect/", {"token": "x", "client_id": "web"}, "client_secret"),
}  # fmt: skip


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("place", OAUTH)
def test_no_parameter_brings_the_oauth_endpoints_down(before, place, value):
    """Trap 12k: PostgreSQL has no NUL in text; nothing is issued and nothing is changed."""
    path, parameters, name = OAUTH[place]

    response = Browser(raise_request_exception=False).post(path, {**parameters, name: value})

    assert response.status_code < 500
    assert b"access_token" not in response.content
    before()


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/", "/o/introspect/"])
@pytest.mark.parametrize("part", ["id", "secret", "whole"])
def test_no_basic_authentication_brings_them_down(somebody, path, value, part):
    """RFC 6749 §2.3.1: id and secret in a header."""
    pair = {"id": f"{value}:secret", "secret": f"web:{value}", "whole": value}[part]
    header = base64.b64encode(pair.encode()).decode()

    response = Browser(raise_request_exception=False).post(
        path,
        {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"},
        headers={"Authorization": f"Basic {header}"},
    )

    assert response.status_code in {200, 400, 401, 403, 431}
    assert b"access_token" not in response.content


@pytest.mark.parametrize("header", ["Basic", "Basic ", "Basic =", "Basic é", "Basic /////w==", "Bearer", "Bearer \0"])
@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/", "/o/introspect/"])
def test_no_authorization_header_brings_them_down(somebody, path, header):
    """Malformed, in every way."""
    response = Browser(raise_request_exception=False).post(path, {"token": "x"}, headers={"Authorization": header})

    assert response.status_code in {200, 400, 401, 403, 431}


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
def test_introspection_of_anything_by_a_client_that_may(somebody, value):
    """A confidential client asks about a token that is none."""
    oauth_client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)

    response = Browser(raise_request_exception=False).post(
        "/o/introspect/", {"token": value, "client_id": oauth_client.client_id, "client_secret": secret}
    )

    assert response.status_code in {200, 400, 401, 403, 431}
    if response.status_code == 200:
        assert response.json() == {"active": False}


def test_introspection_of_a_disabled_accounts_token_is_inactive(client, signed_in):
    """S13: other services must not go on believing it."""
    oauth_client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)
    given = {"token": signed_in.access_token}

    def active():
        pair = base64.b64encode(f"{oauth_client.client_id}:{secret}".encode()).decode()
        answer = client.post("/o/introspect/", given, headers={"Authorization": f"Basic {pair}"})
        assert answer.status_code == 200
        return answer.json()["active"]

    assert active()
    Account.objects.filter(pk=signed_in.account.pk).update(is_active=False)
    assert not active()
