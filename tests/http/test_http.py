"""GraphQL over HTTP: what is refused before anything runs, what answers carry, and the words of errors."""

import json

import pytest

from accounts.passwords import sign_in as authentication
from accounts.people import directory
from accounts.people.models import Account
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Session
from project import pages
from schema.http import views
from schema.http.built import BuiltPage
from tests.api import ME, PASSWORD, TOKEN_AUTH
from tests.browser import Browser
from tests.factories import make_account

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"

pytestmark = pytest.mark.usefixtures("default_client")


@pytest.fixture
def browser() -> Browser:
    """Like a server, it turns an unexpected exception into an answer."""
    return Browser(raise_request_exception=False)


@pytest.fixture
def post(browser):
    """Post any bytes."""

    def send(body, content_type=JSON, **headers):
        data = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        return browser.generic(
            "POST", "/graphql", data, content_type=content_type, headers=headers, CONTENT_TYPE=content_type
        )

    return send


def error_of(response) -> tuple[int, str]:
    """Status and code; the answer is JSON without data."""
    body = json.loads(response.content)
    assert "data" not in body
    assert response["Content-Type"].startswith("application/")
    assert response["Content-Type"].endswith("json; charset=utf-8")
    assert response["Cache-Control"] == "no-store"
    (error,) = body["errors"]
    assert error["message"]
    return response.status_code, error["extensions"]["code"]


MALFORMED = {
    "nothing": b"",
    "a number": b"123",
    "a string": b'"x"',
    "null": b"null",
    "true": b"true",
    "an empty batch": b"[]",
    "nested arrays": b"[" * 60_000 + b"]" * 60_000,
    "open arrays": b"[" * 100_000,
    "nested objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "nested variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    "truncated": b'{"query": "{ __typename }"',
    "a trailing comma": b'{"query": "{ __typename }",}',
    "single quotes": b"{'query': '{ __typename }'}",
    "invalid UTF-8": b'{"query": "{ __typename }\xff"}',
    "an overlong encoding": b'{"query": "{ __typename }\xc0\xaf"}',
    "encoded surrogates": b'{"query": "{ __typename } #\xed\xa0\x80"}',
    "UTF-16": '{"query": "{ __typename }"}'.encode("utf-16"),
    "UTF-32": '{"query": "{ __typename }"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"query": "{ __typename }"}',
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "Infinity": b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
    "a lone high surrogate": rb'{"query": "{ __typename }", "variables": {"a": "\ud800"}}',
    "a lone low surrogate": rb'{"query": "{ __typename }", "variables": {"a": "\udc00x"}}',
    "reversed surrogates": rb'{"query": "{ __typename }", "variables": {"a": "\udc00\ud800"}}',
    "a lone surrogate in the query": rb'{"query": "{ __typename } # \ud800"}',
    "a lone surrogate in a key": rb'{"query": "{ __typename }", "variables": {"\ud800": 1}}',
    "a raw control character": b'{"query": "{ __typename \x00}"}',
    "two values": b'{"query": "{ __typename }"} {}',
    "a huge number": b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 50_000 + b"}}",
    "no query": b"{}",
    "query null": b'{"query": null}',
    "query a number": b'{"query": 5}',
    "query a list": b'{"query": ["{ __typename }"]}',
    "query an object": b'{"query": {}}',
    "query empty": b'{"query": ""}',
    "query blank": b'{"query": "  "}',
    "query a comment": b'{"query": "# nothing"}',
    "query fragments only": b'{"query": "fragment F on Query { __typename }"}',
    "variables a list": b'{"query": "{ __typename }", "variables": []}',
    "variables a string": b'{"query": "{ __typename }", "variables": "{}"}',
    "variables a number": b'{"query": "{ __typename }", "variables": 5}',
    "operationName a number": b'{"query": "{ __typename }", "operationName": 5}',
    "operationName a list": b'{"query": "{ __typename }", "operationName": []}',
    "extensions a string": b'{"query": "{ __typename }", "extensions": "x"}',
    "extensions a list": b'{"query": "{ __typename }", "extensions": []}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_400(post, name):
    """S40, S45: one error with a code, in JSON."""
    status, code = error_of(post(MALFORMED[name], Accept=GRAPHQL_RESPONSE))

    assert status == 400
    assert code in {"BAD_REQUEST", "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED",
                    "OPERATION_RESOLUTION_FAILURE"}  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ __typename }"}',
        b' \n{"query": "{ __typename }"}\n',
        b'{"query": "{ __typename }", "variables": null, "operationName": null, "extensions": null}',
        b'{"query": "{ __typename }", "extensions": {"clientLibrary": {"name": "x"}}, "other": 1}',
        rb'{"query": "{ __typename }", "variables": {"a": "\ud83e\udd8a"}}',
        '{"query": "{ __typename } # 🦊"}'.encode(),
    ],
)
def test_what_clients_send_is_accepted(post, body):
    """Apollo's `clientLibrary`, null for absent parts, surrogate pairs."""
    response = post(body)

    assert response.status_code == 200
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/graphql",
        "application/jsonp", "text/json", "", "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=nonsense", "text/plain; application/json",
    ],
)  # fmt: skip
def test_only_json_is_taken(post, content_type):
    """S44: what a form of a foreign site can send is refused, and nothing runs."""
    account = make_account()
    body = {"query": TOKEN_AUTH, "variables": {"input": {"email": account.email, "password": PASSWORD}}}

    assert error_of(post(body, content_type))[0] == 415

    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json;x=y",
    ],
)
def test_json_is_taken_however_it_is_spelled(post, content_type):
    """RFC 9110: case does not matter."""
    assert post({"query": "{ __typename }"}, content_type).status_code == 200


def test_a_multipart_upload_is_refused(browser):
    """S44: the multipart request specification lets a form mutate."""
    operations = json.dumps({"query": "mutation { revokeToken { errors { code } } }"})

    response = browser.post("/graphql", {"operations": operations, "map": "{}"})

    assert error_of(response)[0] == 415


def test_a_large_body_is_413(post):
    """S41: before it is parsed."""
    assert error_of(post({"query": "{ __typename }", "variables": {"a": "x" * 1_000_000}}))[0] == 413
    assert error_of(post(b"[" * 1_000_000))[0] == 413


def test_a_body_of_the_largest_size_is_taken(post, settings):
    """The cap is what the settings say."""
    body = json.dumps({"query": "{ __typename }", "variables": {"a": ""}})
    longest = body[:-3] + "x" * (settings.LATCHKEY.max_body_bytes - len(body)) + body[-3:]

    assert post(longest).status_code == 200
    assert error_of(post(longest + " "))[0] == 413


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_batch_is_refused_in_the_place_of_each_answer(post, size):
    """S40: batching links find their answer by its place; nothing runs."""
    batch = [{"query": TOKEN_AUTH, "variables": {"input": {"email": "a@b.co", "password": PASSWORD}}}] * size
    response = post(batch)

    assert response.status_code == 400
    answers = response.json()
    assert len(answers) == size
    assert {error["extensions"]["code"] for answer in answers for error in answer["errors"]} == {"BAD_REQUEST"}
    assert "atch" in answers[0]["errors"][0]["message"]


@pytest.mark.parametrize("body", [b"[]", b"[" + b"1," * 40_000 + b"1]"])
def test_the_refusal_of_a_batch_is_short(post, body):
    """S80: never larger than what was sent, however many there are."""
    response = post(body)

    assert response.status_code == 400
    assert len(response.content) < 500


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_405(browser, method):
    """With Allow, and nothing runs."""
    body = {} if method == "trace" else {"data": json.dumps({"query": "{ __typename }"}), "content_type": JSON}
    response = getattr(browser, method)("/graphql", **body)

    assert error_of(response)[0] == 405
    assert set(response["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_options_tells_the_methods(browser):
    """Not a preflight: no Origin."""
    response = browser.options("/graphql")

    assert response.status_code == 204
    assert response.content == b""
    assert "POST" in response["Allow"]


def test_a_query_may_come_by_get(browser, account):
    """Urql does so by default; never cached."""
    response = browser.get(
        "/graphql",
        {
            "query": "query Q($n: Int) { users(first: $n) { nodes { username } } } query R { __typename }",
            "variables": '{"n": 1}',
            "operationName": "Q",
        },
    )

    assert response.status_code == 200
    assert response.json()["data"] == {"users": {"nodes": [{"username": account.username}]}}
    assert response["Cache-Control"] == "no-store"


def test_head_is_answered_like_get(browser):
    """RFC 9110 §9.3.2; the server drops the body."""
    response = browser.head("/graphql", {"query": "{ __typename }"})

    assert response.status_code == 200
    assert response["Content-Type"].startswith(JSON)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize(
    "query",
    [
        "mutation { revokeToken { errors { code } } }",
        "query A { __typename } mutation B { revokeToken { errors { code } } }",
        "mutation { ...F } fragment F on Mutation { revokeToken { errors { code } } }",
    ],
)
def test_a_mutation_never_comes_by_get(browser, signed_in, method, query):
    """S43: 405 with `Allow: POST`, and nothing is revoked."""
    response = getattr(browser, method)(
        "/graphql",
        {"query": query, **({"operationName": "B"} if " B " in query else {})},
        headers={"Authorization": f"Bearer {signed_in.access_token}"},
    )

    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("operationName", ""), ("documentId", ""), ("variables", ""), ("extensions", ""),
        ("variables", "null"), ("extensions", "null"),
    ],
)  # fmt: skip
def test_an_empty_parameter_is_none(browser, name, value):
    """GraphQL over HTTP, on GET. JSON's null is none, as in a body."""
    response = browser.get("/graphql", {"query": "{ __typename }", name: value})

    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})


def test_an_empty_name_lets_no_mutation_come_by_get(browser):
    """S43."""
    response = browser.get("/graphql", {"query": "mutation { revokeToken { errors { code } } }", "operationName": ""})

    assert response.status_code == 405


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"query": ""}, {"query": "{"}, {"query": "{ __typename }", "variables": "5"},
        {"query": "{ __typename }", "variables": "[]"}, {"query": "{ __typename }", "variables": "{"},
        {"query": "{ __typename }", "extensions": "x"}, {"query": "{ __typename }", "extensions": "[]"},
        {"query": "{ __typename }", "variables": "[" * 3000}, {"query": "\0"},
    ],
)  # fmt: skip
def test_a_malformed_get_is_400(browser, arguments):
    """S45."""
    response = browser.get("/graphql", arguments, headers={"Accept": GRAPHQL_RESPONSE})

    assert error_of(response)[0] == 400


@pytest.mark.parametrize("query", ["%ff", "%ed%a0%80", "{__typename}%00", "%7B__typename%7D%23%ff"])
def test_broken_escapes_in_a_url_never_fail(browser, query):
    """S45: an answer with a code, or the answer."""
    response = browser.get(f"/graphql?query={query}")

    assert response.status_code in {200, 400}
    assert response.json()


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON), ("*/*", JSON), ("application/*", JSON), (JSON, JSON), (GRAPHQL_RESPONSE,
        GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, {JSON};q=0.9", GRAPHQL_RESPONSE), (f"{JSON}, {GRAPHQL_RESPONSE}",
        GRAPHQL_RESPONSE),
        ("Application/JSON", JSON), (f"{GRAPHQL_RESPONSE}; charset=utf-8", GRAPHQL_RESPONSE),
        ("text/html, */*;q=0.1", JSON), (f"{GRAPHQL_RESPONSE};q=0, {JSON}", JSON),
    ],
)  # fmt: skip
def test_the_media_type_is_negotiated(post, accept, media_type):
    """GraphQL over HTTP: the new one only if it is named."""
    response = post({"query": "{ __typename }"}, **({"Accept": accept} if accept else {}))

    assert response.status_code == 200
    assert response["Content-Type"] == f"{media_type}; charset=utf-8"
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "image/png", "application/xml", f"{JSON};q=0", "x", "/"])
def test_who_takes_neither_media_type_gets_406(post, accept):
    """And nothing runs."""
    assert error_of(post({"query": "{ __typename }"}, Accept=accept))[0] == 406


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query A { __typename } query B { __typename }"])
@pytest.mark.parametrize(
    ("accept", "status"),
    [(None, 400), ("*/*", 400), (GRAPHQL_RESPONSE, 400), (f"{GRAPHQL_RESPONSE}, {JSON}", 400)],
)
def test_a_document_error_is_400(post, query, accept, status):
    """The draft's rule."""
    assert error_of(post({"query": query}, **({"Accept": accept} if accept else {})))[0] == status


@pytest.mark.parametrize("query", ["{", "{ nothing }"])
def test_a_document_error_is_200_for_who_names_plain_json_only(post, query):
    """Older clients read errors only then."""
    assert error_of(post({"query": query}, Accept=JSON))[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{ me { id "}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ me { nothing } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ users(first: true) { nodes { id } } }"}, "GRAPHQL_VALIDATION_FAILED"),
        (
            {"query": "query ($n: Int) { users(first: $n) { nodes { id } } }", "variables": {"n": "x"}},
            "BAD_USER_INPUT",
        ),
        ({"query": "query ($n: Int!) { users(first: $n) { nodes { id } } }"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename }", "operationName": ""}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "subscription { x }"}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_document_errors_have_apollos_codes(post, body, code):
    """Apollo Server's names."""
    response = post(body, Accept=GRAPHQL_RESPONSE)

    assert response.status_code == 400
    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize("name", [None, ""])
def test_an_ambiguous_operation_runs_nothing(post, name):
    """The first of several is not taken for the one that was meant."""
    query = "mutation A { ...R } mutation B { __typename } fragment R on Mutation { tokenAuth(input: $i) { tokens { accessToken } } }"  # noqa: E501
    account = make_account()
    query = query.replace("$i", f'{{email: "{account.email}", password: "{PASSWORD}"}}')

    status, code = error_of(post({"query": query, "operationName": name}))

    assert (status, code) == (400, "OPERATION_RESOLUTION_FAILURE")
    assert not Session.objects.exists()


class BoomError(Exception):
    """Something nobody expects."""


def boom(*_args, **_kwargs):
    """Fail as nobody expects."""
    raise BoomError("the database password is hunter2")


FAILING = {
    "a query": (directory, "profiles_for", "{ users { nodes { id } } }", 200),
    "a mutation": (
        authentication,
        "authenticate",
        'mutation { tokenAuth(input: {email: "a@b.example", password: "hunter2"}) { isNewAccount } }',
        500,
    ),
    "the look-up of the bearer": (bearer_tokens, "authenticate", ME, 500),
}


@pytest.mark.parametrize("name", FAILING)
def test_an_unexpected_failure_is_masked(post, monkeypatch, caplog, name):
    """S46: its text is for the log, with what finds it there."""
    module, function, query, _status = FAILING[name]
    monkeypatch.setattr(module, function, boom)

    response = post({"query": query})

    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert response.status_code in {200, 500}
    assert response["Content-Type"].startswith("application/")
    for secret in (b"hunter2", b"Boom", b"Traceback"):
        assert secret not in response.content
    assert "BoomError" in caplog.text
    assert error["extensions"]["requestId"] == response["X-Request-ID"]


def test_a_failure_before_graphql_is_json_too(post, monkeypatch):
    """S46: no HTML page."""
    monkeypatch.setattr("schema.http.views.View.get_context", boom)

    response = post({"query": "{ __typename }"})

    assert error_of(response) == (500, "INTERNAL_SERVER_ERROR")
    assert b"hunter2" not in response.content


SECRET = "hunter2hunter2"
ECHOES = {
    "a password that is a number": (
        'mutation { tokenAuth(input: {email: "a", password: 4111111111111111}) { isNewAccount } }', {},
        "4111111111111111",
    ),
    "a password that is an enum value": (
        f'mutation {{ tokenAuth(input: {{email: "a", password: {SECRET}}}) {{ isNewAccount }} }}', {}, SECRET,
    ),
    "a password that is an object": (
        f'mutation {{ tokenAuth(input: {{email: "a", password: {{a: "{SECRET}"}}}}) {{ isNewAccount }} }}',
        {}, SECRET,
    ),
    "a string where a name belongs": (
        f'mutation {{ tokenAuth(input: {{email: "a", "{SECRET}"}}) {{ isNewAccount }} }}', {}, SECRET,
    ),
    "an unterminated string": (
        f'mutation {{ tokenAuth(input: {{email: "a", password: "{SECRET}) {{ isNewAccount }} }}', {}, SECRET,
    ),
    "a bad escape": (
        f'mutation {{ tokenAuth(input: {{email: "a", password: "\\q{SECRET}"}}) {{ isNewAccount }} }}', {},
        SECRET,
    ),
    "a bad Unicode escape": (
        'mutation { tokenAuth(input: {email: "a", password: "\\uhunt"}) { isNewAccount } }', {}, "hunt",
    ),
    "a string after the selection": (f'{{ __typename }} "{SECRET}"', {}, SECRET),
    "a block string after the selection": (f'{{ __typename }} """{SECRET}"""', {}, SECRET),
    "an id of a wrong type": (f"{{ node(id: {SECRET}) {{ id }} }}", {}, SECRET),
    "a string for an Int": (f'{{ users(first: "{SECRET}") {{ nodes {{ id }} }} }}', {}, SECRET),
    "an Int out of range": ("{ users(first: 4111111111111111) { nodes { id } } }", {}, "4111111111111111"),
    "a variable that is a list": (TOKEN_AUTH, {"input": {"email": "a", "password": [SECRET]}}, SECRET),
    "a variable that is an object": (TOKEN_AUTH, {"input": {"email": "a", "password": {SECRET: SECRET}}},
    SECRET),
    "a variable that is a number": (TOKEN_AUTH, {"input": {"email": "a", "password": 4111111111111111}},
    "4111111111"),
    "an input that is a string": (TOKEN_AUTH, {"input": SECRET}, SECRET),
    "an input that is a list": (TOKEN_AUTH, {"input": [SECRET]}, SECRET),
    "a missing field of the input": (TOKEN_AUTH, {"input": {"password": SECRET}}, SECRET),
    "null for a required field": (TOKEN_AUTH, {"input": {"email": None, "password": SECRET}}, SECRET),
    "an Int variable out of range": (
        "query ($n: Int) { users(first: $n) { nodes { id } } }", {"n": 4111111111111111}, "4111111111",
    ),
    "a default of the wrong type": (
        f'query ($n: Int = "{SECRET}") {{ users(first: $n) {{ nodes {{ id }} }} }}', {}, SECRET,
    ),
}  # fmt: skip


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
@pytest.mark.parametrize("name", ECHOES)
def test_no_value_that_was_sent_comes_back(post, caplog, name, accept):
    """S47: not in the answer, and not in the log either: it may be a password in the wrong place."""
    query, variables, secret = ECHOES[name]

    with caplog.at_level("DEBUG"):
        response = post({"query": query, "variables": variables}, Accept=accept)

    assert response.json()["errors"]
    assert secret not in response.content.decode()
    assert secret not in caplog.text


ATTEMPT = 'tokenAuth(input: {email: "EMAIL", password: "correct horse battery staple"}) { tokens { accessToken } }'
SECOND = {
    "aliases": f"mutation {{ a: {ATTEMPT} b: {ATTEMPT} }}",
    "an alias beside the field": f"mutation {{ {ATTEMPT} b: {ATTEMPT} }}",
    "two different fields": f"mutation {{ {ATTEMPT} revokeToken {{ errors {{ code }} }} }}",
    "a fragment": f"mutation {{ {ATTEMPT} ...F }} fragment F on Mutation {{ b: {ATTEMPT} }}",
    "two fragments": (
        f"mutation {{ ...F ...G }} fragment F on Mutation {{ a: {ATTEMPT} }} fragment G on Mutation {{ b: {ATTEMPT} }}"
    ),
    "nested fragments": (
        f"mutation {{ ...F }} fragment F on Mutation {{ a: {ATTEMPT} ...G }} fragment G on Mutation {{ b: {ATTEMPT} }}"
    ),
    "an inline fragment": f"mutation {{ a: {ATTEMPT} ... on Mutation {{ b: {ATTEMPT} }} }}",
    "@skip": f"mutation {{ a: {ATTEMPT} b: {ATTEMPT.replace(') {', ') @skip(if: true) {')} }}",
    "@include with a variable": (
        f"mutation ($no: Boolean = false) {{ a: {ATTEMPT} b: {ATTEMPT.replace(') {', ') @include(if: $no) {')} }}"
    ),
    "thirty": "mutation { " + " ".join(f"a{n}: {ATTEMPT}" for n in range(30)) + " }",
    "a thousand": "mutation { " + " ".join(f"a{n}: {ATTEMPT}" for n in range(300)) + " }",
}


@pytest.mark.parametrize("name", SECOND)
def test_a_second_credential_in_one_operation_is_refused(post, name):
    """S39: however it is written, and none of them ran."""
    account = make_account()

    response = post({"query": SECOND[name].replace("EMAIL", account.email)}, Accept=GRAPHQL_RESPONSE)

    assert response.status_code == 400
    assert "data" not in response.json()
    assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {
        "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED",
    }  # fmt: skip
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        f"mutation A {{ {ATTEMPT} }} mutation B {{ {ATTEMPT} }}",
        f"mutation A {{ ...F }} mutation B {{ ...F }} fragment F on Mutation {{ {ATTEMPT} }}",
        f"mutation A {{ {ATTEMPT} __typename a: __typename }}",
    ],
)
def test_one_credential_in_each_operation_is_fine(post, query):
    """A document holds the operations of a whole application."""
    account = make_account()

    response = post({"query": query.replace("EMAIL", account.email), "operationName": "A"})

    assert response.json()["data"]["tokenAuth"]["tokens"]
    assert Session.objects.count() == 1


def test_the_same_fragment_twice_is_one_field(post):
    """It merges, so it runs once: refused or once, never twice."""
    account = make_account()
    query = f"mutation {{ ...F ...F }} fragment F on Mutation {{ {ATTEMPT} }}".replace("EMAIL", account.email)

    post({"query": query})

    assert Session.objects.count() <= 1


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
ANSWERS = {
    "data": ("post", "/graphql", '{"query": "{ __typename }"}', JSON, 200),
    "malformed": ("post", "/graphql", "{", JSON, 400),
    "wrong type": ("post", "/graphql", "x", "text/plain", 415),
    "too large": ("post", "/graphql", "x" * 1_000_000, JSON, 413),
    "method": ("put", "/graphql", "{}", JSON, 405),
    "page": ("get", "/graphql", None, None, None),
    "not found": ("get", "/nothing", None, None, 404),
    "not found below": ("post", "/graphql/x", "{}", JSON, 404),
    "schema": ("get", "/schema.graphql", None, None, 200),
    "token": ("post", "/o/token/", "grant_type=password", "application/x-www-form-urlencoded", None),
    "admin": ("get", "/admin/", None, None, 302),
    "admin sign-in": ("get", "/admin/login/", None, None, 200),
    "options": ("options", "/graphql", None, None, 204),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_carries_the_security_headers(browser, name):
    """S50: errors and unknown addresses too; no HSTS over plain HTTP."""
    method, path, data, content_type, status = ANSWERS[name]
    body = {} if data is None else {"data": data, "content_type": content_type}
    response = getattr(browser, method)(path, **body)

    assert status is None or response.status_code == status
    assert {header: response.headers.get(header) for header in HEADERS} == HEADERS
    policy = response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Strict-Transport-Security" not in response.headers


def test_an_unexpected_failure_carries_them_too(browser, monkeypatch):
    """S50."""
    monkeypatch.setattr("schema.http.views.View.get_context", boom)

    response = browser.post("/graphql", '{"query": "{ __typename }"}', content_type=JSON)

    assert response.status_code == 500
    assert {header: response.headers.get(header) for header in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/graphql", "/nothing"])
def test_hsts_over_https(browser, settings, path):
    """S50: RFC 6797 §7.2 forbids it over HTTP."""
    settings.SECURE_HSTS_SECONDS = 3600

    secure = Browser(raise_request_exception=False).get(path, secure=True)
    plain = browser.get(path)

    assert secure["Strict-Transport-Security"].startswith("max-age=3600")
    assert "Strict-Transport-Security" not in plain.headers


def test_a_foreign_host_is_refused(browser):
    """A Host header that is not ours never gets into a link."""
    response = browser.get("/graphql", headers={"Host": "evil.example", "Accept": "text/html"})

    assert response.status_code == 400
    assert b"evil.example" not in response.content


OURS = "http://localhost:5173"
FOREIGN = [
    "https://evil.example", "null", "http://localhost:5173.evil.example", "http://evil-localhost:5173",
    "https://localhost:5173", "http://localhost:51730", "http://localhost",
    "http://sub.localhost:5173", "", "*", "http://LOCALHOST:5174", "file://",
]  # fmt: skip


def test_our_front_end_may_read_the_answer(post):
    """S49: with what it needs of the headers."""
    response = post({"query": ME}, Origin=OURS, Authorization="Bearer stale")

    assert response.status_code == 401
    assert response["Access-Control-Allow-Origin"] == OURS
    assert {"WWW-Authenticate", "Retry-After", "X-Request-ID"} <= set(
        response["Access-Control-Expose-Headers"].split(", ")
    )
    assert "origin" in response["Vary"].lower()


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_origin_may_not(post, browser, origin):
    """S49: neither the answer nor a preflight."""
    answer = post({"query": "{ __typename }"}, Origin=origin)
    preflight = browser.options(
        "/graphql",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    for response in (answer, preflight):
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "origin" in response["Vary"].lower()


@pytest.mark.parametrize("path", ["/graphql", "/o/token/", "/o/revoke_token/"])
def test_a_preflight_allows_what_clients_send(browser, path):
    """S49: each header that Apollo, urql and tracing libraries add."""
    wanted = {
        "content-type", "authorization", "apollo-require-preflight", "x-apollo-operation-name", "traceparent",
        "sentry-trace", "baggage",
    }  # fmt: skip
    response = browser.options(
        path,
        headers={
            "Origin": OURS,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ",".join(sorted(wanted)),
        },
    )

    assert response.status_code in {200, 204}
    assert response["Access-Control-Allow-Origin"] == OURS
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert wanted <= set(response["Access-Control-Allow-Headers"].split(", "))
    assert "*" not in response["Access-Control-Allow-Headers"]
    assert int(response["Access-Control-Max-Age"]) > 0


def test_the_administration_is_for_no_origin(browser):
    """S49: CORS is for the API alone."""
    assert "Access-Control-Allow-Origin" not in browser.get("/admin/login/", headers={"Origin": OURS}).headers


def test_a_browser_gets_a_page(browser, monkeypatch, tmp_path):
    """Where no GraphiQL is built: how to call the endpoint."""
    monkeypatch.setattr(views, "GRAPHIQL", BuiltPage(tmp_path / "nothing"))

    response = browser.get("/graphql", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assert response["Cache-Control"] == "no-store"
    assert b"/graphql" in response.content


def test_a_browser_gets_graphiql_where_it_is_built(browser, monkeypatch, tmp_path):
    """With the addresses of its files, and leave for no more than these: its styles are inline as well."""
    index = tmp_path / "graphiql" / "index.html"
    index.parent.mkdir()
    index.write_text('<script src="./assets/index-AAAAAAAA.js">')
    monkeypatch.setattr(views, "GRAPHIQL", BuiltPage(index))

    response = browser.get("/graphql", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert response.content == b'<script src="/static/graphiql/assets/index-AAAAAAAA.js">'
    assert response["Cache-Control"] == "no-store"
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert policy["default-src"] == "'self'"
    assert "font-src" not in policy


@pytest.mark.parametrize("accept", ["*/*", "text/*", "text/html;q=0, */*", "application/xhtml+xml"])
def test_only_who_names_html_gets_a_page(browser, accept):
    """Trap 49: a command line and a health check get JSON."""
    response = browser.get("/graphql", headers={"Accept": accept})

    assert response["Content-Type"].startswith("application/json")
    assert response["Cache-Control"] == "no-store"
    assert response.status_code == 400 if "*/*" in accept else 406


def test_an_unknown_address_gives_a_browser_the_front_end(browser, monkeypatch, tmp_path):
    """Its own page says so; the status says so too."""
    index = tmp_path / "index.html"
    index.write_text("<!doctype html>the front end")
    monkeypatch.setattr(pages, "FRONT_END", BuiltPage(index))

    person = browser.get("/no/such/page", headers={"Accept": "text/html,*/*;q=0.8"})
    program = browser.get("/no/such/page")

    assert (person.status_code, person.content) == (404, b"<!doctype html>the front end")
    assert "frame-ancestors 'none'" in person["Content-Security-Policy"]
    assert (program.status_code, program.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")


def test_an_unknown_address_is_told_where_no_front_end_is_built(browser, monkeypatch, tmp_path):
    """In words that name the endpoint."""
    monkeypatch.setattr(pages, "FRONT_END", BuiltPage(tmp_path / "nothing"))

    response = browser.get("/no/such/page", headers={"Accept": "text/html"})

    assert response.status_code == 404
    assert "/graphql" in response.json()["errors"][0]["message"]


def test_the_page_does_not_hide_an_operation(browser):
    """A link to a query in a browser shows its answer."""
    response = browser.get("/graphql", {"query": "{ __typename }"}, headers={"Accept": "text/html, */*;q=0.8"})

    assert response.json() == {"data": {"__typename": "Query"}}


def test_the_page_reflects_nothing_of_the_address(browser):
    """No script of somebody's link, and no command in what the page says to copy into a shell."""
    response = browser.get('/graphql?x="><script>alert(1)</script>;reboot', headers={"Accept": "text/html"})

    assert b"<script>alert" not in response.content
    assert b"reboot" not in response.content


def test_token_answers_are_never_stored(post, browser, signed_in):
    """S26: RFC 6749 §5.1, by both ways."""
    by_graphql = post({"query": TOKEN_AUTH, "variables": {"input": {"email": "a", "password": PASSWORD}}})
    by_rest = browser.post(
        "/o/token/",
        {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "web"},
    )

    assert by_rest.status_code == 200
    for response in (by_graphql, by_rest):
        assert "no-store" in response["Cache-Control"]


def test_introspection_can_be_off(post, settings):
    """S42: as in production; the SDL is not served either, and nothing is suggested."""
    settings.LATCHKEY = type(settings.LATCHKEY)()

    for query in ("{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }'):
        response = post({"query": query}, Accept=GRAPHQL_RESPONSE)
        assert response.status_code == 400
        assert {e["extensions"]["code"] for e in response.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert post({"query": "{ __typename }"}).status_code == 200
    assert Browser().get("/schema.graphql").status_code == 404
    for query in (
        "{ user { id } }",
        "{ users(frist: 1) { nodes { id } } }",
        "{ ... on Qery { __typename } }",
        "{ me { emial } }",
        "mutation ($i: TokenAuthInputt!) { tokenAuth(input: $i) { isNewAccount } }",
        'mutation { tokenAuth(input: {emial: "a", password: "b"}) { isNewAccount } }',
    ):
        assert "Did you mean" not in post({"query": query}).content.decode()


def test_a_cached_refusal_says_the_same_again(post):
    """Trap 35: the caches hand one error object to many requests; nothing sticks to it."""
    first, second = (post({"query": "{ nothing }"}).json() for _ in range(2))
    assert first == second


def test_nothing_was_stored_by_all_this(post):
    """A query that reads writes nothing."""
    before = Account.objects.count(), Session.objects.count()
    post({"query": "{ users { nodes { id } } }"})

    assert (Account.objects.count(), Session.objects.count()) == before
