"""Top-level errors: nothing that was sent, nothing internal, no help for guessing in production."""

import dataclasses
import json

import pytest

from accounts.people import directory
from tests.api import TOKEN_AUTH

SECRET = "hunter2-hunter2"
CREDENTIALS = "mutation {{ tokenAuth(input: {}) {{ errors {{ code }} }} }}"


@pytest.mark.parametrize(
    "given",
    [
        f'{{email: "a", password: ["{SECRET}"]}}',
        f'{{email: "a", password: {{a: "{SECRET}"}}}}',
        f'{{email: 5, password: "{SECRET}"}}',
        f'{{email: "a", passwort: "{SECRET}"}}',
        f'{{password: "{SECRET}"}}',
        f'"{SECRET}"',
        f'{{email: "a", password: "a" "{SECRET}"}}',
        f'{{email: "a", password: {SECRET.replace("-", "_")}}}',
    ],
)
def test_no_value_of_a_document_is_echoed(graphql, caplog, given):
    """S47: not in the answer and not in the log."""
    answer = graphql(CREDENTIALS.format(given))

    assert answer.status == 400
    assert "hunter2" not in str(answer.body)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        {"email": "a", "password": [SECRET]},
        {"email": "a", "password": {"a": SECRET}},
        {"email": 5, "password": SECRET},
        {"password": SECRET},
        {"email": "a", "passwort": SECRET},
        SECRET,
        [SECRET],
    ],
    ids=str,
)
def test_no_value_of_a_variable_is_echoed(graphql, caplog, given):
    """S47, trap 24."""
    answer = graphql(TOKEN_AUTH, input=given)

    assert (answer.status, set(answer.codes)) == (400, {"BAD_USER_INPUT"})
    assert SECRET not in str(answer.body)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("before", ["x" * 990, "' does not " * 90, " cannot represent a" * 60, '\\"' * 500])
@pytest.mark.parametrize(
    "given", ['{{email: "a", password: ["{}"]}}', '"{}"', '{{email: "a" "{}"}}', '{{email: "a", password: "{}}}']
)
def test_no_long_value_of_a_document_is_echoed(graphql, caplog, before, given):
    """S47, S80: messages are cut before patterns look for values, and no cut lets one through."""
    answer = graphql(CREDENTIALS.format(given.format(before + SECRET)))

    assert answer.status == 400
    assert "hunter2" not in str(answer.body)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("given", ["x" * 2000, "' does not " * 90, "Value '" * 200, '"' * 900])
def test_no_long_enum_value_is_echoed(graphql, given):
    """S47: of these, the message goes on behind the value."""
    query = """mutation ($t: RefreshTokenTransport) {
        tokenAuth(input: {email: "a", password: "b", refreshTokenTransport: $t}) { errors { code } } }"""

    answer = graphql(query, t=given + SECRET)

    assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])
    assert given[:50] not in str(answer.body)
    assert "hunter2" not in str(answer.body)


ONE_OF = "Within OneOf Input Object type 'SocialCredentialInput', exactly one field must be specified"
PRESENTED = 'mutation {} {{ convertSocialToken(input: {{provider: "x", credential: {}}}) {{ errors {{ code }} }} }}'


@pytest.mark.parametrize(
    "given", [{}, {"idToken": None}, {"idToken": "a", "accessToken": "b"}, {"idToken": "a", "code": None}]
)
def test_a_broken_one_of_is_a_400_in_a_variable_and_in_a_literal(graphql, given):
    """Trap 53: Strawberry tells it while it executes, and then with 200."""
    literal = "{" + ", ".join(f"{name}: {json.dumps(value)}" for name, value in given.items()) + "}"

    by_variable = graphql(PRESENTED.format("($c: SocialCredentialInput!)", "$c"), c=given)
    by_default = graphql(PRESENTED.format(f"($c: SocialCredentialInput! = {literal})", "$c"))
    by_literal = graphql(PRESENTED.format("", literal))

    assert by_variable.status == by_default.status == by_literal.status == 400
    assert ONE_OF in by_variable.body["errors"][0]["message"]
    assert ONE_OF in by_default.body["errors"][0]["message"]
    assert ONE_OF in by_literal.body["errors"][0]["message"]


@pytest.mark.parametrize("variables", [{}, {"t": None}, {"t": "a"}], ids=str)
def test_a_nullable_variable_in_a_one_of_is_a_400(graphql, variables):
    """As the specification has it; graphql-core overlooks it where the input object is required."""
    answer = graphql(PRESENTED.format("($t: String)", "{idToken: $t}"), **variables)

    assert (answer.status, answer.codes) == (400, ["GRAPHQL_VALIDATION_FAILED"])


@pytest.mark.parametrize(
    ("variables", "literal"),
    [("($t: String!)", "{idToken: $t}"), ("($t: String!)", "{code: {code: $t, state: $t}}"), ("", '{idToken: "a"}')],
)
def test_a_one_of_with_one_member_runs(graphql, variables, literal):
    """Through variables too."""
    answer = graphql(PRESENTED.format(variables, literal), t="a")

    assert answer.data["convertSocialToken"]["errors"] == [{"code": "PROVIDER_UNKNOWN"}]


GUESSES = [
    "{ mee { id } }",
    "{ users(firs: 1) { nodes { id } } }",
    "{ me { ... on Accoun { id } } }",
    "query ($a: Strin) { me { id } }",
    'mutation { tokenAuth(input: {email: "a", passwort: "b"}) { errors { code } } }',
    "{ me @skp { id } }",
]


@pytest.mark.parametrize("text", [text for text in GUESSES if "@" not in text])
def test_names_are_suggested_in_development(graphql, text):
    """Wherever a name is unknown: fields, arguments, types, input fields."""
    answer = graphql(text)

    assert answer.status == 400
    assert "Did you mean" in str(answer.body)


@pytest.mark.parametrize("text", GUESSES)
def test_nothing_is_suggested_in_production(graphql, settings, text):
    """S42: an endpoint without introspection does not tell its names by another way."""
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, introspection=False)

    answer = graphql(text)

    assert answer.status == 400
    assert "Did you mean" not in str(answer.body)


@pytest.mark.parametrize("text", ["{ __schema { types { name } } }", '{ __type(name: "Account") { name } }'])
def test_the_schema_cannot_be_read_in_production(graphql, client, settings, text):
    """S42; `__typename` stays, which Apollo Client adds everywhere."""
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, introspection=False)

    assert set(graphql(text).codes) == {"GRAPHQL_VALIDATION_FAILED"}
    assert client.get("/schema.graphql").status_code == 404
    assert graphql("{ __typename }").data == {"__typename": "Query"}


def test_an_unexpected_failure_is_masked_and_can_be_found(graphql, caplog, monkeypatch):
    """S46: the client gets an id, the log the cause."""

    def fail(_viewer):
        raise RuntimeError("the cause")

    monkeypatch.setattr(directory, "readable_by", fail)

    answer = graphql("{ users { nodes { id } } }")

    error = answer.body["errors"][0]
    assert error["message"] == "Unexpected error."
    assert error["extensions"] == {
        "code": "INTERNAL_SERVER_ERROR",
        "requestId": answer.headers["X-Request-ID"],
    }
    assert "the cause" not in str(answer.body)
    assert "the cause" in caplog.text


def test_a_client_that_does_not_ask_for_errors_is_told_in_development(graphql):
    """The commonest first mistake: a payload of nulls."""
    variables = {"email": "nobody@example.com", "password": "x"}
    without = "mutation ($i: TokenAuthInput!) { tokenAuth(input: $i) { tokens { accessToken } } }"
    through_a_fragment = """mutation ($i: TokenAuthInput!) { tokenAuth(input: $i) { ...F } }
        fragment F on AuthPayload { ... { errors { code } } }"""

    assert "INVALID_CREDENTIALS" in graphql(without, i=variables).body["extensions"]["hint"]
    assert "extensions" not in graphql(through_a_fragment, i=variables).body


def test_a_client_that_does_not_ask_for_errors_is_not_told_in_production(graphql, settings):
    """It may be a choice."""
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, development=False)
    query = 'mutation { tokenAuth(input: {email: "a", password: "b"}) { tokens { accessToken } } }'

    assert "extensions" not in graphql(query).body
