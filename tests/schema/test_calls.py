"""How many Python functions the commonest operations call: a guard against growth that no clock can blur.

A function that is called a thousand times more costs about as much on each machine, while its milliseconds differ from
run to run. `make bench` has these. Lower a ceiling when the work becomes less; raise one only with a reason.
"""

import io
import json
import sys
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import connection

from project.wsgi import application
from tests.api import PASSWORD

WARM_UP, RUNS = 5, 3

ME = "{ me { id email username } }"
TOKENS = "tokens { accessToken expiresIn refreshToken } errors { code }"
REFRESH = f"mutation ($input: RefreshTokenInput) {{ refreshToken(input: $input) {{ {TOKENS} }} }}"
SIGN_IN = f"mutation ($input: TokenAuthInput!) {{ tokenAuth(input: $input) {{ {TOKENS} }} }}"

CEILINGS = {
    "sqlite": {"me": 845, "refresh": 2070, "sign-in": 2775},
    # With about 80 for the new connection of each request, which tests have instead of a pool.
    "postgresql": {"me": 1340, "refresh": 2830, "sign-in": 3915},
}
"""A tenth above what was counted with CPython 3.11, whose later versions call fewer."""


def post(query: str, token: str = "", **variables: Any) -> Any:
    """The data of an answer, from the application itself: a test client would count too."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/graphql",
        "SERVER_NAME": "localhost",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.input": io.BytesIO(body),
    }
    if token:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    setup_testing_defaults(environ)
    answer = application(environ, lambda *_: None)
    try:
        return json.loads(b"".join(answer))["data"]
    finally:
        answer.close()


def calls_of(operation: Callable[[], Any]) -> int:
    """The fewest calls of Python functions in some runs: those of garbage collection come and go."""
    for _ in range(WARM_UP):
        operation()
    counts = []
    for _ in range(RUNS):
        calls = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal calls
            calls += event == "call"

        sys.setprofile(count)
        try:
            operation()
        finally:
            sys.setprofile(None)
        counts.append(calls)
    return min(counts)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["me", "refresh", "sign-in"])
def test_an_operation_calls_no_more_functions_than_it_did(name, account, default_client):
    """Its ceiling; test_statements.py has those of statements."""

    def sign_in() -> Any:
        return post(SIGN_IN, input={"email": account.email, "password": PASSWORD})["tokenAuth"]["tokens"]

    tokens = sign_in()

    def refresh() -> None:
        tokens.update(post(REFRESH, input={"refreshToken": tokens["refreshToken"]})["refreshToken"]["tokens"])

    def me() -> None:
        assert post(ME, tokens["accessToken"])["me"]

    ceiling = CEILINGS[connection.vendor][name]
    counted = calls_of({"me": me, "refresh": refresh, "sign-in": sign_in}[name])

    assert 0 < counted <= ceiling, counted
