"""No client can make a series: labels take values that we know beforehand."""

import json

import pytest

from schema.root import schema
from tests.api import ME, PASSWORD, TOKEN_AUTH
from tests.metrics.counting import gained, series

REQUESTS = "latchkey_graphql_requests_total"
SOME = 1000
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["query N%d { __typename }", "query N%d { me { id } }", "{ n%d: me { id } }"])
def test_a_thousand_names_of_operations_are_one_series(graphql, query):
    """Names and aliases are the client's, and each new series would stay for good."""
    graphql(query % SOME)
    before = series().keys()

    with gained() as more:
        for number in range(SOME):
            graphql(query % number)

    assert series().keys() == before
    assert more[REQUESTS] == SOME


@pytest.mark.parametrize(
    ("query", "operation", "outcome"),
    [
        ("query Any { me { id } }", "me", "ok"),
        ("{ __typename me { id } }", "me", "ok"),
        ("{ ...F } fragment F on Query { a: me { id } b: me { id } }", "me", "ok"),
        ("{ me { id } authConfig { __typename } }", "several", "ok"),
        ("{ __typename }", "introspection", "ok"),
        ("{ __schema { queryType { name } } }", "introspection", "ok"),
        ("{ nothing }", "refused", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { id }", "refused", "GRAPHQL_PARSE_FAILED"),
        ("query A { me { id } } query B { me { id } }", "refused", "OPERATION_RESOLUTION_FAILURE"),
        ("", "refused", "400"),
    ],
)
def test_a_request_is_counted_by_its_root_field_and_outcome(graphql, query, operation, outcome):
    """Which is a field of our schema, or a word of ours."""
    with gained() as more:
        graphql(query)

    assert more.of(REQUESTS) == {(operation, outcome): 1}
    assert more.of("latchkey_graphql_request_duration_seconds_count") == {(operation,): 1}


def test_a_refused_token_is_an_outcome(graphql):
    """Of the operation that it was sent with."""
    with gained() as more:
        graphql(ME, token="no-token")

    assert more.of(REQUESTS) == {("me", "UNAUTHENTICATED"): 1}


def test_the_first_failure_of_a_payload_is_the_outcome(graphql, account):
    """Although the answer is 200."""
    with gained() as more:
        graphql(TOKEN_AUTH, input={"email": account.email, "password": f"not {PASSWORD}"})

    assert more.of(REQUESTS) == {("tokenAuth", "INVALID_CREDENTIALS"): 1}


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        ({"method": "PUT"}, "405"),
        ({"method": "POST", "content_type": "text/plain"}, "415"),
        ({"method": "POST", "content_type": "application/json", "data": "[{}]"}, "400"),
        ({"method": "POST", "content_type": "application/json", "data": "{", "HTTP_ACCEPT": "image/png"}, "406"),
        (
            {
                "method": "POST",
                "content_type": "application/json",
                "data": json.dumps({"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}),
            },
            "PERSISTED_QUERY_NOT_FOUND",
        ),
    ],
)
def test_what_is_refused_before_graphql_is_counted_by_its_status(client, default_client, request_, outcome):
    """Or by a code that says more."""
    with gained() as more:
        client.generic(request_.pop("method"), "/graphql", **request_)

    assert more.of(REQUESTS) == {("refused", outcome): 1}


def test_a_page_and_a_preflight_are_no_operations(client, default_client):
    """Nobody asked GraphQL anything."""
    with gained() as more:
        client.get("/graphql", headers={"Accept": "text/html"})
        client.options("/graphql")

    assert more.of(REQUESTS) == {}


def test_every_operation_in_the_metrics_is_a_root_field_or_a_word_of_ours(graphql):
    """Whatever other tests of this process have sent."""
    graphql(ME)
    own = {"several", "introspection", "refused"}
    roots = {name for root in ("Query", "Mutation") for name in schema._schema.type_map[root].fields}

    found = {dict(labels)["operation"] for name, labels in series() if name == REQUESTS}

    assert "me" in found
    assert found <= roots | own
    assert not own & roots
