"""The 401 rule: a Bearer token that is presented and bad is never taken for signed out."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.conf import Visibility
from accounts.people.models import Account
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REVOKE, TOKEN_AUTH
from tests.factories import make_account, make_client

ANSWERS_WITH_PROBLEM = "application/graphql-response+json"

OPERATIONS = {
    "me": ME,
    "users": "{ users { nodes { username } } }",
    "node": '{ node(id: "QWNjb3VudDox") { id } }',
    "nodes": "{ nodes(ids: []) { id } }",
    "mixed with meta fields": "{ __typename me { id } __schema { queryType { name } } }",
    "aliased": "{ a: me { id } b: __typename }",
    "in a fragment": "query { ...F } fragment F on Query { ...G } fragment G on Query { me { id } }",
    "in an inline fragment": "{ ... on Query { ... { me { id } } } }",
    "skipped": "{ __typename me @skip(if: true) { id } }",
    "not included by a variable": "query ($yes: Boolean = false) { __typename me @include(if: $yes) { id } }",
}
BAD = [
    "Bearer",
    "Bearer ",
    "bearer",
    "Bearer a b",
    "Bearer unknown",
    "BEARER \x00",
    "Bearer \xe9",
    "Bearer a,Bearer b",
]
METADATA = 'resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/graphql"'
"""RFC 9728 §5.1: of the public URL."""


def rows() -> list[object]:
    """Everything that an operation could have changed."""
    models: list[Any] = [Account, Session, AccessToken, RefreshToken]
    return [list(model.objects.order_by("pk").values()) for model in models]


def refused(answer) -> None:
    """401 as S23 and RFC 6750 §3.1 have it."""
    assert answer.status == 401
    assert "data" not in answer.body
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.headers["WWW-Authenticate"] == f'Bearer error="invalid_token", {METADATA}'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("header", BAD)
def test_a_bad_header_is_never_signed_out(graphql, header):
    """S23: malformed or unknown, whatever its case."""
    refused(graphql(ME, headers={"Authorization": header}))


def test_a_malformed_header_is_told_the_right_form(graphql):
    """In the message, which every client shows."""
    message = graphql(ME, headers={"Authorization": "Bearer Bearer x"}).body["errors"][0]["message"]

    assert "malformed" in message
    assert "Authorization: Bearer <access token>" in message


OTHER_SCHEMES = ["JWT a-secret", "Token a-secret", "token a-secret b", "a-secret", "Bearer:a-secret", "\xe9a-secret"]


@pytest.mark.parametrize("header", OTHER_SCHEMES)
def test_another_scheme_or_a_bare_token_gives_a_hint(graphql, header):
    """It is ignored, so that `me` is null; what the header holds is not repeated."""
    answer = graphql(ME, headers={"Authorization": header})

    assert (answer.status, answer.body["data"]) == (200, {"me": None})
    assert "Authorization: Bearer <access token>" in answer.body["extensions"]["hint"]
    assert "a-secret" not in str(answer.body)


@pytest.mark.parametrize("header", OTHER_SCHEMES)
def test_what_needs_signing_in_gives_the_hint_in_its_message(graphql, settings, header):
    """In production too."""
    settings.LATCHKEY = dataclasses.replace(
        settings.LATCHKEY, development=False, users_visibility=Visibility.AUTHENTICATED
    )
    unlink = 'mutation { unlinkSocialAccount(input: {id: "x"}) { errors { code } } }'
    for operation in ("{ users { nodes { id } } }", unlink):
        answer = graphql(operation, headers={"Authorization": header})

        assert answer.codes == ["UNAUTHENTICATED"]
        assert "Authorization: Bearer <access token>" in answer.body["errors"][0]["message"]
        assert "a-secret" not in str(answer.body)
        assert "extensions" not in answer.body


@pytest.mark.parametrize("header", [None, "", "Basic a-secret", "basic a-secret"])
def test_a_header_that_is_not_meant_for_us_gives_no_hint(graphql, settings, header):
    """`Basic` is for a proxy in front."""
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, users_visibility=Visibility.AUTHENTICATED)
    headers = {} if header is None else {"Authorization": header}

    assert "extensions" not in graphql(ME, headers=headers).body
    assert graphql("{ users { nodes { id } } }", headers=headers).body["errors"][0]["message"] == "Sign in first."


def test_an_anonymous_operation_ignores_the_header_without_a_word(graphql):
    """A sign-in has no use for a token."""
    answer = graphql(TOKEN_AUTH, input={"email": "a@example.com", "password": "x"}, headers={"Authorization": "JWT x"})

    assert answer.status == 200
    assert "extensions" not in answer.body


@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_is_not_anonymous_is_refused(graphql, name):
    """S23: however the field is written; nothing runs and nothing changes."""
    account = make_account()
    before = rows()

    refused(graphql(OPERATIONS[name], token="unknown"))

    assert rows() == before
    assert account.last_login is None


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_operations_run_without_a_header(graphql, name):
    """Being signed out is not an error."""
    answer = graphql(OPERATIONS[name])

    assert answer.status == 200
    assert answer.data.get("me") is None


def expire(signed_in):
    """Its time is over."""
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))


def disable(signed_in):
    """Its account is disabled: by SQL, since otherwise the token would be gone."""
    Account._base_manager.filter(pk=signed_in.account.pk).update(is_active=False)


def end(signed_in):
    """Its session was ended."""
    RefreshToken.revoke_family(Session.objects.get().token_family)


def delete_account(signed_in):
    """Its account is gone."""
    signed_in.account.delete()


def make_it_nobodys(signed_in):
    """It has no account."""
    AccessToken.objects.update(user=None)


def narrow_to_another_server(signed_in):
    """RFC 8707: it is for another resource server."""
    AccessToken.objects.update(resource=["https://other.example/"])


@pytest.mark.parametrize("change", [expire, disable, end, delete_account, make_it_nobodys, narrow_to_another_server])
@pytest.mark.parametrize("name", ["me", "users", "node"])
def test_a_token_that_stopped_working_is_refused_at_once(graphql, signed_in, change, name):
    """S13, S21, S23, RFC 8707."""
    assert graphql(ME, token=signed_in.access_token).status == 200
    change(signed_in)
    before = rows()

    refused(graphql(OPERATIONS[name], token=signed_in.access_token))

    assert rows() == before


def test_a_client_credentials_token_is_nobodys(graphql, client):
    """RFC 6749 §4.4: good for introspection, not for this API."""
    oauth_client, secret = make_client(
        client_type=Client.CLIENT_CONFIDENTIAL, authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS
    )
    token = client.post(
        "/o/token/",
        {"grant_type": "client_credentials", "client_id": oauth_client.client_id, "client_secret": secret},
    ).json()["access_token"]

    refused(graphql(ME, token=token))
    refused(graphql(OPERATIONS["users"], token=token))


@pytest.mark.parametrize("scope", ["", "openid", "accounts", "account:read", "ACCOUNT"])
def test_a_token_without_the_scope_is_insufficient(graphql, signed_in, scope):
    """S60, RFC 6750 §3.1: 403, nothing runs."""
    AccessToken.objects.update(scope=scope)

    answer = graphql(ME, token=signed_in.access_token)

    assert answer.status == 403
    assert "data" not in answer.body
    assert answer.codes == ["FORBIDDEN"]
    assert answer.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", {METADATA}'


def test_the_scope_may_stand_among_others(graphql, signed_in):
    """Separated by spaces."""
    AccessToken.objects.update(scope="openid account email")

    assert graphql(ME, token=signed_in.access_token).status == 200


@pytest.mark.parametrize(
    "header", ["Basic d2ViOg==", "Token abc", "Digest a b c d", "", " ", "Bearerabc", "Negotiate", "DPoP abc"]
)
def test_other_schemes_are_not_ours(graphql, header):
    """They are ignored: a proxy's Basic authentication must not break the API."""
    answer = graphql(ME, headers={"Authorization": header})

    assert answer.status == 200
    assert answer.data["me"] is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(graphql, signed_in, scheme):
    """RFC 9110 §11.1."""
    answer = graphql(ME, headers={"Authorization": f"{scheme} {signed_in.access_token}"})

    assert answer.data["me"]["email"] == signed_in.account.email


ANONYMOUS = {
    "tokenAuth": (TOKEN_AUTH, {"input": {"email": "nobody@example.com", "password": PASSWORD}}),
    "revokeToken": (REVOKE, {}),
    "__typename": ("{ __typename }", {}),
    "__schema": ('{ __schema { queryType { name } } __type(name: "Query") { name } }', {}),
    "a mutation's __typename": ("mutation { __typename }", {}),
    "in a fragment": ("mutation { ...F } fragment F on Mutation { revokeToken { errors { code } } }", {}),
}


@pytest.mark.parametrize("name", ANONYMOUS)
@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer unknown"])
def test_an_anonymous_operation_never_fails_for_a_stale_header(graphql, name, header):
    """S23: else nobody whose token is stale could sign in again."""
    query, variables = ANONYMOUS[name]

    answer = graphql(query, headers={"Authorization": header}, **variables)

    assert answer.status == 200
    assert answer.data is not None


def test_an_anonymous_operation_does_not_look_at_the_header(graphql, signed_in):
    """No statement for it."""
    with CaptureQueriesContext(connection) as statements:
        graphql("{ __typename }", token=signed_in.access_token)

    assert len(statements) == 0


TWO = "query Mine { me { id } } query Types { __typename } mutation Out { revokeToken { errors { code } } }"


@pytest.mark.parametrize(("name", "status"), [("Mine", 401), ("Types", 200), ("Out", 200)])
def test_the_operation_that_runs_decides(client, default_client, name, status):
    """S23: not its neighbours in the document."""
    response = client.post(
        "/graphql",
        {"query": TWO, "operationName": name},
        content_type="application/json",
        headers={"Authorization": "Bearer unknown"},
    )

    assert response.status_code == status


@pytest.mark.parametrize("operation", [{}, {"operationName": ""}, {"operationName": "Other"}, {"operationName": None}])
def test_which_operation_is_meant_comes_before_the_bearer(client, default_client, operation):
    """400, and no way around the 401: nothing runs."""
    response = client.post(
        "/graphql",
        {"query": TWO, **operation},
        content_type="application/json",
        headers={"Authorization": "Bearer unknown", "Accept": ANSWERS_WITH_PROBLEM},
    )

    assert response.status_code == 400
    assert "data" not in response.json()
    assert response.json()["errors"][0]["extensions"]["code"] == "OPERATION_RESOLUTION_FAILURE"


@pytest.mark.parametrize("name", ["", "Other"])
def test_a_name_that_matches_nothing_is_no_way_around_the_401(client, default_client, name):
    """One operation in the document, and another asked for."""
    response = client.post(
        "/graphql",
        {"query": "query Mine { me { id } }", "operationName": name},
        content_type="application/json",
        headers={"Authorization": "Bearer unknown", "Accept": ANSWERS_WITH_PROBLEM},
    )

    assert response.status_code in {400, 401}
    assert "data" not in response.json()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ me { id }", "GRAPHQL_PARSE_FAILED"),
        ("{ me { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_document_errors_come_first(graphql, query, code):
    """400, not 401: the token does not matter for what cannot run."""
    answer = graphql(query, token="unknown", headers={"Accept": ANSWERS_WITH_PROBLEM})

    assert (answer.status, answer.codes) == (400, [code])
    assert "WWW-Authenticate" not in answer.headers


def test_a_query_string_is_no_place_for_a_token(client, signed_in):
    """S22, RFC 9700 §4.3.2: ignored, as if nobody were signed in."""
    response = client.get("/graphql", {"query": ME, "access_token": signed_in.access_token})

    assert response.status_code == 200
    assert response.json()["data"] == {"me": None}


def test_a_body_is_no_place_for_a_token(client, signed_in):
    """S22."""
    token = signed_in.access_token
    response = client.post(
        f"/graphql?access_token={token}",
        {
            "query": ME,
            "access_token": token,
            "extensions": {"access_token": token},
            "variables": {"access_token": token},
        },
        content_type="application/json",
    )

    assert response.json()["data"] == {"me": None}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, ANSWERS_WITH_PROBLEM),
        ("*/*", ANSWERS_WITH_PROBLEM),
        ("application/json, */*", "application/json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json, application/json;q=0.9", ANSWERS_WITH_PROBLEM),
    ],
)
def test_a_401_is_a_graphql_response_whenever_the_client_allows_it(graphql, accept, media_type):
    """Apollo loses the code otherwise; who takes JSON only gets JSON."""
    answer = graphql(ME, token="unknown", headers={"Accept": accept} if accept else {})

    refused(answer)
    if accept != "application/json, */*":
        assert answer.headers["Content-Type"].startswith(media_type)


def test_the_token_is_not_echoed(graphql, caplog):
    """S47: neither in the answer nor in the log."""
    with caplog.at_level("DEBUG"):
        answer = graphql(ME, token="a-secret-token")

    assert "a-secret-token" not in str(answer.body) + str(dict(answer.headers))
    assert "a-secret-token" not in caplog.text


def test_a_refresh_token_is_no_access_token(graphql, signed_in):
    """S20."""
    refused(graphql(ME, token=signed_in.refresh_token))


@pytest.mark.parametrize("mangle", [str.swapcase, lambda t: t[:-1], lambda t: t + "=", lambda t: f'"{t}"'])
def test_almost_the_token_is_not_the_token(graphql, signed_in, mangle):
    """Tokens are compared whole, in their case."""
    refused(graphql(ME, token=mangle(signed_in.access_token)))


def test_two_tokens_in_two_headers_are_refused(graphql, signed_in):
    """WSGI joins them with a comma: which one is meant is not guessed."""
    token = signed_in.access_token

    refused(graphql(ME, headers={"Authorization": f"Bearer {token},Bearer {token}"}))
    refused(graphql(ME, headers={"Authorization": f"Bearer {token}, Bearer {token}"}))


def test_a_get_is_held_to_the_same_rule(client, default_client):
    """S23."""
    response = client.get("/graphql", {"query": ME}, headers={"Authorization": "Bearer unknown"})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == f'Bearer error="invalid_token", {METADATA}'
