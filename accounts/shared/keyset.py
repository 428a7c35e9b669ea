"""Parts of lists that are ordered newest first, found by the position in the list instead of by counting rows.

A position is a moment and a primary key, which tells rows of the same moment apart. An index over both, in the order
of the list, finds any part as fast as the first one. A list can be ordered by another column as well, such as a name,
largest first: the database alone compares its values, so that the order and the positions have the same collation.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, NamedTuple, TypeVar

from django.db.models import BooleanField, Expression, F, Func, IntegerField, Model, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan

from accounts.shared.statements import Compiled, Parameter, Select

Row = TypeVar("Row", bound=Model)


class Position(NamedTuple):
    """A place in a list, whether or not a row still has it."""

    moment: Any
    """Or what else the list is ordered by."""
    key: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows between two positions, without those at them: the first of these rows, or the last."""

    after: Position | None
    before: Position | None
    from_end: bool
    limit: int

    def turned(self) -> "Part":
        """This part of the list in the opposite order, as a part of the list. Its rows come in the same order."""
        return Part(after=self.before, before=self.after, from_end=not self.from_end, limit=self.limit)


def found_in(part: Part, rows: QuerySet[Row], *, by: str) -> list[Row]:
    """This part of the rows, in the order of the list; from the end, in the opposite order."""

    def values(position: Position | None) -> list[Expression] | None:
        if position is None:
            return None
        fields = _fields(rows.model, by)
        return [Value(value, output_field=field) for value, field in zip(position, fields, strict=True)]

    between = _between(rows, by=by, after=values(part.after), before=values(part.before), from_end=part.from_end)
    return list(between[: part.limit])


def found_forwards(
    rows: QuerySet[Row], *, by: str, after: Position | None = None, newest_first: bool = False, at_once: int = 1000
) -> Iterator[Row]:
    """All rows behind a position, `at_once` in memory: oldest first, unless told otherwise."""
    while True:
        part = Part(
            after=after if newest_first else None,
            before=None if newest_first else after,
            from_end=not newest_first,
            limit=at_once,
        )
        found = found_in(part, rows, by=by)
        yield from found
        if len(found) < at_once:
            return
        after = position_of(found[-1], by=by)


def position_of(row: Model, *, by: str) -> Position:
    """Where a row stands."""
    return Position(getattr(row, by), row.pk)


class Parts:
    """Compiled statements for the parts of a list of `build`, a query set of `values_list`.

    One for each kind of part: with or without either position, from the start or from the end.
    """

    def __init__(self, model: type[Model], build: Callable[[], "QuerySet[Any, Any]"], *, by: str) -> None:
        self._statements = {
            (after, before, from_end): _Limited(
                model,
                partial(_with_parameters, build, by=by, after=after, before=before, from_end=from_end),
            )
            for after, before, from_end in product((False, True), repeat=3)
        }

    def rows(self, part: Part) -> list[list[Any]]:
        """The rows of the part, as `found_in` orders them."""
        values: dict[str, Any] = {"limit": part.limit}
        if part.after:
            values["after_moment"], values["after_key"] = part.after
        if part.before:
            values["before_moment"], values["before_key"] = part.before
        return self._statements[part.after is not None, part.before is not None, part.from_end].rows(**values)


class _Limited(Select):
    """A SELECT whose LIMIT each execution brings. Django writes a number into the SQL."""

    def _compile(self, connection: Any) -> Compiled:
        sql, parameters, reading = super()._compile(connection)
        return f"{sql} LIMIT %s", (*parameters, Parameter("limit", IntegerField())), reading


def _with_parameters(
    build: Callable[[], "QuerySet[Any, Any]"], *, by: str, after: bool, before: bool, from_end: bool
) -> "QuerySet[Any, Any]":
    rows = build()

    def parameters(name: str) -> list[Expression]:
        moment, key = _fields(rows.model, by)
        return [Parameter(f"{name}_moment", moment), Parameter(f"{name}_key", key)]

    return _between(
        rows,
        by=by,
        after=parameters("after") if after else None,
        before=parameters("before") if before else None,
        from_end=from_end,
    )


def _between(
    rows: "QuerySet[Any, Any]",
    *,
    by: str,
    after: list[Expression] | None,
    before: list[Expression] | None,
    from_end: bool,
) -> "QuerySet[Any, Any]":
    """Positions are compared as a whole. The index is not entered at that of `a < x OR a = x AND b < y`."""
    place = _together(F(by), F("pk"))
    if after:
        rows = rows.filter(LessThan(place, _together(*after)))
    if before:
        rows = rows.filter(GreaterThan(place, _together(*before)))
    return rows.order_by(by, "pk") if from_end else rows.order_by(f"-{by}", "-pk")


def _together(*parts: Any) -> Func:
    # The type is not used, but Django asks for one.
    return Func(*parts, template="(%(expressions)s)", output_field=BooleanField())


def _fields(model: type[Model], by: str) -> "tuple[Any, Any]":
    meta = model._meta  # noqa: SLF001 - public
    return meta.get_field(by), meta.pk
