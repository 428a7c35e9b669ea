"""The rule for migrations: expand, migrate, contract. docs/upgrade.md explains it.

A walk over our own migrations that the previous release does not have. Everything that is not known to be harmless
needs an attribute of its migration that says why it is: `contract` or `reviewed`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.postgres import operations as postgres
from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Value
from django.db.models.functions import Now

from accounts.shared.online_indexes import AddIndexOnline

APP = "accounts"
HARMLESS = (
    operations.CreateModel,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    AddIndexOnline,
    postgres.AddIndexConcurrently,
    postgres.RemoveIndexConcurrently,
    postgres.AddConstraintNotValid,
    postgres.ValidateConstraint,
)
NEEDS_REVIEW = (operations.RunPython, operations.RunSQL)
ON_A_NEW_TABLE = (operations.AddField, operations.AddIndex, operations.AddConstraint)
"""Whoever may use a table that this release makes is of this release."""


def new_migrations(released: set[str]) -> Iterator[tuple[Migration, ProjectState]]:
    """What the previous release does not have, each with the state before it."""
    loader = MigrationLoader(None)
    for key in sorted(loader.graph.nodes):
        if key[0] == APP and key[1] not in released:
            yield loader.graph.nodes[key], loader.project_state(key, at_end=False)


def breaches(migrations: Iterable[tuple[Migration, ProjectState]], previous_version: str) -> list[str]:
    """What the previous release, or readers and writers of large tables, would not survive."""
    return list(_breaches(migrations, previous_version))


def _breaches(migrations: Iterable[tuple[Migration, ProjectState]], previous_version: str) -> Iterator[str]:
    created = set[str]()
    for migration, before in migrations:
        state = before
        for operation in migration.operations:
            after = state.clone()
            operation.state_forwards(APP, after)
            for part in _database_parts(operation):
                if reason := _breach(migration, part, (state, after), created, previous_version):
                    yield f"{migration.name}: {part.describe()}: {reason}"
            state = after


def _database_parts(operation: Operation) -> list[Operation]:
    if isinstance(operation, operations.SeparateDatabaseAndState):
        return list(operation.database_operations)
    return [operation]


def _breach(
    migration: Migration,
    operation: Operation,
    states: tuple[ProjectState, ProjectState],
    created: set[str],
    previous_version: str,
) -> str | None:
    if isinstance(operation, operations.CreateModel):
        created.add(operation.name_lower)
    if isinstance(operation, HARMLESS) or _removes_check(operation, states[0]):
        return None
    if isinstance(operation, ON_A_NEW_TABLE) and operation.model_name.lower() in created:
        return None
    if isinstance(operation, operations.AddField):
        return _breach_of_column(operation.field)
    if isinstance(operation, operations.AlterField) and not _sql(operation, states):
        return None
    if isinstance(operation, NEEDS_REVIEW):
        return None if getattr(migration, "reviewed", "") else "set `reviewed` to the reason why it is safe"
    if isinstance(operation, operations.AddIndex | operations.AddConstraint | operations.RemoveIndex):
        return "it locks the table: use AddIndexOnline, RemoveIndexConcurrently, or AddConstraintNotValid"
    return _breach_of_contraction(getattr(migration, "contract", ""), previous_version)


def _removes_check(operation: Operation, before: ProjectState) -> bool:
    """A unique constraint is more than a check: the previous release relies on it where two come at once."""
    if not isinstance(operation, operations.RemoveConstraint):
        return False
    model = before.models[APP, operation.model_name_lower]
    return isinstance(model.get_constraint_by_name(operation.name), CheckConstraint)


def _is_expression(default: Any) -> bool:
    return hasattr(default, "resolve_expression")


def _breach_of_column(field: Any) -> str | None:
    if field.many_to_many:
        return None
    if not (field.null or field.has_db_default()):
        return "the previous release inserts rows without it: make it nullable, or give it a db_default"
    if field.has_db_default() and not isinstance(field.db_default, Value | Now) and _is_expression(field.db_default):
        return "PostgreSQL writes the whole table anew for it, locked, unless its default is the same for all rows"
    if field.unique or field.db_index:
        return "its index locks the table: add the column without, and then the index with AddIndexOnline"
    return None


def _breach_of_contraction(stopped_in: str, previous_version: str) -> str | None:
    if not stopped_in:
        return "set `contract` to the release that stopped using what goes"
    if _numbers(stopped_in) > _numbers(previous_version):
        return f"the previous release, {previous_version}, still uses what goes: {stopped_in} stops"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _sql(operation: Operation, states: tuple[ProjectState, ProjectState]) -> list[str]:
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(APP, editor, *states)
    return editor.collected_sql
