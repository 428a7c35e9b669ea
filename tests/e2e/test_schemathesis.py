"""schemathesis makes up operations from the schema, valid and invalid: whatever it sends, no 5xx and no leak."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.api import PASSWORD, REGISTER
from tests.live import Live, serving

SDL = Path(__file__).resolve().parents[2] / "schema" / "schema.graphql"
SCHEMA = schemathesis.graphql.from_path(SDL)
OPERATIONS = [(root, field) for root in ("Query", "Mutation") for field in SCHEMA[root]]
EXAMPLES = 500 if os.environ.get("CI") == "true" else 50

INTERNALS = re.compile(
    r"Traceback|File \"|\.py\b|site-packages|/work/|/home/|/usr/|sqlite|psycopg|postgres|django|strawberry|oauthlib"
    r"|\b(SELECT|INSERT|UPDATE|DELETE)\b.+\b(FROM|INTO|SET)\b|(Integrity|Operational|Data|Value|Type|Key|Attribute)Error",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with an account, on the database that DATABASE_URL names."""
    with serving(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture(scope="module")
def bearer(live: Live) -> str:
    """The token of an account of its own."""
    ada = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
    token: str = live.post(REGISTER, input=ada)[1]["data"]["register"]["tokens"]["accessToken"]
    return token


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that stay open."""
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("root", "field"), OPERATIONS, ids=".".join)
def test_no_operation_fails_or_leaks(live, bearer, session, root, field, mode):
    """S45, S46."""
    signed_in = {"Authorization": f"Bearer {bearer}"} if root == "Query" else {}

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=SCHEMA[root][field].as_strategy(generation_mode=mode))
    def attack(case: Case) -> None:
        response = case.call(base_url=f"{live.url}/graphql", session=session, headers=signed_in)
        case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
        check(response)

    attack()


def check(response: Any) -> None:
    """JSON without internals, and no error that we did not expect."""
    assert response.status_code < 500
    print(response.status_code, response.text[:300])
    assert response.headers["content-type"][0].startswith("application/")
    assert not INTERNALS.search(response.text)
    assert "INTERNAL_SERVER_ERROR" not in response.text
