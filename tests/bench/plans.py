"""The plans of all statements that operations execute, in this process: `manage.py shell -c` of tests.bench.scale."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.test import Client

from accounts.shared import sweeping
from accounts.tokens import api as bearer_tokens

BIG = 10_000
"""Rows from which on a table is not read from one end to the other."""
DISCARDED = 200
"""Rows that a statement may read in vain."""

Plan = tuple[str, str]
"""SQL and plan."""


@contextmanager
def explained() -> Iterator[list[Plan]]:
    """Explain and analyze each statement right before it is executed, and roll that back. Returns the plans."""
    plans: list[Plan] = []
    explaining = False

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal explaining
        if not explaining and not many and sql.lstrip("(").startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            explaining = True
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
                    plans.append((sql, "\n".join(line for (line,) in cursor.fetchall())))
                    transaction.set_rollback(True)
            finally:
                explaining = False
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def sizes() -> dict[str, int]:
    """The rows of each table, as the planner knows them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'")
        return dict(cursor.fetchall())


def faults(plan: str, rows: dict[str, int], *, in_vain: int = DISCARDED) -> list[str]:
    """What does not scale in a plan: whole big tables, many rows discarded, and sorts on disk."""
    whole = [name for name in re.findall(r"Seq Scan on (\w+)", plan) if rows.get(name, 0) >= BIG]
    discarded = [int(number) for number in re.findall(r"Rows Removed by [\w ]+: (\d+)", plan)]
    return [
        *(f"reads all of {name}" for name in whole),
        *(f"discards {number} rows" for number in discarded if number > in_vain),
        *(["sorts on disk"] if "external merge" in plan else []),
    ]


def post(operation: dict[str, Any], token: str = "") -> Any:
    """The data of the answer."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    response = Client(enforce_csrf_checks=True).post(
        "/graphql", operation, content_type="application/json", headers=headers, HTTP_HOST="localhost"
    )
    body = response.json()
    assert response.status_code == 200 and not body.get("errors"), body
    return body["data"]


def main(requests: str) -> None:
    """Print the plans of these operations as JSON: of each, a list of SQL, plan and faults. Nothing is left changed."""
    found: dict[str, list[tuple[str, str, list[str]]]] = {}
    for name, (operation, token) in json.loads(requests).items():
        # What is done once in a process, such as asking for the client, is not part of it.
        with transaction.atomic():
            post(operation, token)
            transaction.set_rollback(True)
        with explained() as plans:
            post(operation, token)
        rows = sizes()
        found[name] = [(sql, plan, faults(plan, rows)) for sql, plan in plans]
    print(json.dumps(found))


def clean_up() -> None:
    """Print the plans of a clean-up likewise, each statement once, and what it takes away is away."""
    with explained() as plans:
        for clear in bearer_tokens.CLEARING.values():
            clear()
    rows, by_statement = sizes(), {}
    for sql, plan in plans:
        # A slice is read for the few rows of it that are dead.
        wrong = faults(plan, rows, in_vain=2 * sweeping.SLICE)
        if sql not in by_statement or wrong:
            by_statement[sql] = (sql, plan, wrong)
    print(json.dumps({"clean-up": list(by_statement.values())}))
