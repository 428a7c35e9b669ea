"""Deletes rows of large tables in short transactions, beside which the service goes on.

A run reads each table once, in the order of its primary keys. It never waits for a lock: a row that somebody else holds
is left for the next run, so that no run blocks or is blocked, whatever order others lock in. Two runs at once share the
work. One that was stopped has lost its last slice only.
"""

import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db import router, transaction
from django.db.models import Model, Q, QuerySet

SLICE = 1000
"""Rows that one transaction looks at, at most."""

Clear = Callable[["QuerySet[Any, Any]"], int]
"""Deletes what it may of a slice of a table, and returns the number of rows."""


def sweep(model: type[Model], clear: Clear) -> int:
    """Let `clear` see the whole table, slice by slice, and return how many rows it deleted.

    Half of the time nothing runs, so that others find the database and its disk free.
    """
    table = model._base_manager.using(router.db_for_write(model)).order_by("pk")  # noqa: SLF001 - public in practice
    rest, deleted = table, 0
    while True:
        begun = time.perf_counter()
        # The end of a slice is a row, not a distance: there are no slices of keys that nobody has any more.
        last = rest.values_list("pk", flat=True)[SLICE - 1 : SLICE].first()
        deleted += clear(rest if last is None else rest.filter(pk__lte=last))
        if last is None:
            return deleted
        time.sleep(time.perf_counter() - begun)
        rest = table.filter(pk__gt=last)


def clear_where(condition: Q) -> Clear:
    """Delete the rows that meet the condition. For tables that no other refers to."""

    def clear(rows: "QuerySet[Any, Any]") -> int:
        found = keys(rows.filter(condition))
        if not found:
            # Without a transaction: on SQLite each takes the lock on the whole database.
            return 0
        with transaction.atomic(using=rows.db):
            return delete(rows, locked(among(rows, found).filter(condition)))

    return clear


def keys(rows: "QuerySet[Any, Any]") -> list[Any]:
    """The primary keys of these rows."""
    return list(rows.values_list("pk", flat=True))


def among(rows: "QuerySet[Any, Any]", values: Collection[Any], field: str = "pk") -> "QuerySet[Any, Any]":
    """The rows with one of these values.

    The bounds repeat what the list says. They let PostgreSQL read that part of the index only, where it would otherwise
    take the whole table for the cheaper way, until that is a few hundred thousand rows long.
    """
    if not values:
        return rows.none()
    bounds = {f"{field}__gte": min(values), f"{field}__lte": max(values)}
    return rows.filter(**bounds, **{f"{field}__in": values})


def locked(rows: "QuerySet[Any, Any]") -> list[Any]:
    """Lock these rows until the transaction ends; returns the keys of those that nobody else holds.

    A row that changed meanwhile is read again: it is among them only if the conditions still hold.
    """
    return keys(rows.select_for_update(skip_locked=True, of=("self",)))


def delete(rows: "QuerySet[Any, Any]", pks: Iterable[Any]) -> int:
    """Delete the rows with these keys, and nothing that refers to them; returns their number."""
    chosen = list(pks)
    # Not Django's `delete`, which reads all rows first, with all that refer to them.
    return int(among(rows, chosen)._raw_delete(rows.db)) if chosen else 0  # noqa: SLF001 - as Django's fast path
