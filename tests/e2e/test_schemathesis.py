"""schemathesis makes up operations from the schema, valid and invalid: whatever it sends, no failure and no leak."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
import requests
import schemathesis
from graphql.language import ast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from schema.language.directives import Anonymous, declares
from schema.root import schema
from tests.api import PASSWORD, REGISTER, TOKEN_AUTH
from tests.live import UNLIMITED, Live, serving

SCHEMA = schemathesis.graphql.from_path(Path(__file__).resolve().parents[2] / "schema" / "schema.graphql")
FIELDS = {"Query": schema._schema.query_type, "Mutation": schema._schema.mutation_type}
OPERATIONS = [f"{root}.{field}" for root in ("Query", "Mutation") for field in SCHEMA[root]]
EXAMPLES = {GenerationMode.POSITIVE: 400, GenerationMode.NEGATIVE: 100}
"""Of each operation in CI on PostgreSQL, which is production's database; a quarter on SQLite; a tenth elsewhere."""


def fields(of: dict[str, ast.ValueNode]) -> ast.ObjectValueNode:
    """An object as a literal."""
    return ast.ObjectValueNode(
        fields=tuple(ast.ObjectFieldNode(name=ast.NameNode(value=name), value=value) for name, value in of.items())
    )


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True) | st.sampled_from(
    ["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature", "attestationObject"]
)
schemathesis.graphql.scalar(
    "JSON",
    st.recursive(
        st.one_of(
            st.text(max_size=20).map(lambda text: ast.StringValueNode(value=text)),
            st.integers().map(lambda number: ast.IntValueNode(value=str(number))),
            st.booleans().map(lambda switch: ast.BooleanValueNode(value=switch)),
            st.just(ast.NullValueNode()),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda values: ast.ListValueNode(values=tuple(values))),
            st.dictionaries(NAMES, inner, max_size=4).map(fields),
        ),
        max_leaves=8,
    ),
)

INTERNALS = re.compile(
    r"traceback|file \"|\.py\b|site-packages|/work/|/home/|/usr/|/tmp/"
    r"|django|strawberry|graphql.core|oauthlib|gunicorn|sqlite|psycopg|postgres|redis|accounts_|oauth2_provider"
    r"|(integrity|operational|data|value|type|key|attribute|assertion|recursion)error"
    r"|(?-i:\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b)",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server, on the database that DATABASE_URL names."""
    with serving(tmp_path_factory.mktemp("live"), **UNLIMITED) as server:
        yield server


@dataclass
class Holder:
    """Somebody who is signed in, and does so again whenever an operation has ended the session or the account."""

    live: Live
    number: int = 0
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The Bearer."""
        if not self.token:
            self.renew()
        return {"Authorization": f"Bearer {self.token}"}

    def renew(self) -> None:
        """Begin another session."""
        own = {"email": f"ada{self.number}@example.com", "password": PASSWORD}
        tokens = self.live.post(TOKEN_AUTH, input=own)[1]["data"]["tokenAuth"]["tokens"]
        if not tokens:
            self.number += 1
            own = {"email": f"ada{self.number}@example.com", "password": PASSWORD}
            new = {**own, "username": f"ada{self.number}", "firstName": "Ada"}
            tokens = self.live.post(REGISTER, input=new)[1]["data"]["register"]["tokens"]
        self.token = tokens["accessToken"]


@pytest.fixture(scope="module")
def holder(live: Live) -> Holder:
    """Of operations that need a Bearer."""
    return Holder(live)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that stay open."""
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("mode", list(EXAMPLES), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_operation_fails_or_leaks(live, holder, session, operation, mode):
    """S45, S46: no 5xx, no INTERNAL_SERVER_ERROR beside a 200, JSON that conforms to the schema, and no internals."""
    root, field = operation.split(".")
    signed_in = not declares(FIELDS[root].fields[field], Anonymous)

    answers = []

    @settings(max_examples=examples(mode), deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=SCHEMA[root][field].as_strategy(generation_mode=mode))
    def attack(case: Case) -> None:
        headers = holder.headers if signed_in else {}
        response = case.call(base_url=f"{live.url}/graphql", session=session, headers=headers)
        if signed_in and ("UNAUTHENTICATED" in response.text or response.status_code == HTTPStatus.UNAUTHORIZED):
            # An example before has ended the session.
            holder.renew()
            response = case.call(base_url=f"{live.url}/graphql", session=session, headers=holder.headers)
        answers.append(response)
        case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
        assert leaks(response) == []

    attack()
    # What is made to be valid is not all refused before it runs.
    assert mode is GenerationMode.NEGATIVE or any('"data":' in answer.text for answer in answers)


def examples(mode: GenerationMode) -> int:
    """How many."""
    if os.environ.get("CI") != "true":
        return EXAMPLES[mode] // 10
    return EXAMPLES[mode] if os.environ.get("DATABASE_URL", "").startswith("postgres") else EXAMPLES[mode] // 4


def leaks(response: Response) -> list[str]:
    """What an answer should not hold."""
    (media_type,) = response.headers["content-type"]
    found = INTERNALS.search(response.text)
    return [
        *([f"as {media_type}"] if media_type != "application/json; charset=utf-8" else []),
        *([found.group()] if found else []),
        *(["INTERNAL_SERVER_ERROR"] if "INTERNAL_SERVER_ERROR" in response.text else []),
    ]
