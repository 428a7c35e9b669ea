"""Deletes rows of large tables in short transactions, beside which the service goes on.

A run reads each table once, in the order of its primary keys. It never waits for a lock: a row that somebody else holds
is left for the next run, so that no run blocks or is blocked, whatever order others lock in. Two runs at once share the
work. One that was stopped has lost its last slice only.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import router, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

SLICE = 2000
"""Rows that one transaction looks at: about 20 ms if all are deleted."""

Rows = QuerySet[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The keys from `first` to before `end`; None is no bound."""

    database: str
    first: Any = None
    end: Any = None

    def of(self, model: type[Model], field: str = "pk") -> Rows:
        """The rows whose field has a value of the slice, in its order.

        Each statement has these bounds for each table that it reads. Otherwise PostgreSQL may prefer to read the whole
        table for a few rows of it, until that is a few hundred thousand long.
        """
        bounds = {f"{field}__gte": self.first, f"{field}__lt": self.end}
        given = {name: key for name, key in bounds.items() if key is not None}
        # Without bounds, rows without a value would be part of the slice.
        rows: Rows = model._base_manager.using(self.database).order_by(field)  # noqa: SLF001 - public in practice
        return rows.filter(**(given or {f"{field}__isnull": False}))


def sweep(model: type[Model], clear: Callable[[Slice], int]) -> int:
    """Call `clear` with each slice of the table, and return the sum of its results.

    Half of the time nothing runs, so that others find the database and its disk free.
    """
    part, total = Slice(database=router.db_for_write(model)), 0
    while True:
        begun = time.perf_counter()
        # A slice ends at a row, not after a distance, so none is wasted on keys that are gone.
        end = part.of(model).order_by("pk").values_list("pk", flat=True)[SLICE : SLICE + 1].first()
        total += clear(Slice(database=part.database, first=part.first, end=end))
        if end is None:
            return total
        time.sleep(time.perf_counter() - begun)
        part = Slice(database=part.database, first=end)


def sweep_dead(
    model: type[Model], dead: Callable[[Slice], Rows], discard: Callable[[Rows, Rows], int] | None = None
) -> int:
    """Delete the rows that `dead` names in each slice; returns their number.

    If other rows refer to them, `discard` stands in for `delete`, and deletes those first.
    """

    def clear(part: Slice) -> int:
        rows = dead(part)
        # Before a transaction: on SQLite each takes the lock on the whole database.
        if not some(rows):
            return 0
        with transaction.atomic(using=part.database):
            return (discard or delete)(part.of(model), rows)

    return sweep(model, clear)


def sweep_expired(model: type[Model], field: str = "expires_at") -> int:
    """Delete the rows whose time is over, which no other row refers to; returns their number."""
    now = timezone.now()
    return sweep_dead(model, lambda part: part.of(model).filter(**{f"{field}__lt": now}))


def some(rows: Rows) -> bool:
    """Whether there are any of these rows of a slice.

    Not Django's `exists`, which takes them in any order: PostgreSQL may then read the whole table, where it expects to
    find one soon.
    """
    return rows.values("pk").first() is not None


def locked(rows: Rows) -> Rows:
    """Keys for `pk__in` of those of the rows that nobody else holds, locked until the transaction ends.

    PostgreSQL reads a row again that changed meanwhile: it is among them only if it still meets the conditions.
    """
    return rows.order_by().select_for_update(skip_locked=True).values("pk")


def delete(of: Rows, rows: Rows) -> int:
    """Delete those of the rows that nobody else holds; returns their number. `of` are all rows of the slice."""
    # Not Django's `delete`, which reads all rows first, with all that refer to them.
    return int(of.filter(pk__in=locked(rows))._raw_delete(of.db))  # noqa: SLF001 - as Django's own fast path
