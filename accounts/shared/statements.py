"""Statements that Django compiles once for each thread, and that are only executed from then on.

Otherwise Django compiles the same SQL at each request, which takes nine tenths of a short statement's time.
"""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections, router
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import DeleteQuery, InsertQuery, UpdateQuery

Compiled = tuple[str, Any, Any]
"""The SQL, its parameters, and what the kind of statement needs to read an answer."""


class Parameter(Expression):
    """Stands in a statement for a value that each execution brings, under this name.

    The value must not change the SQL: it is never None where rows are compared with it.
    """

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A placeholder. The parameter itself marks whose place it is."""
        return "%s", (self,)


class _Statement(threading.local):
    """Per thread, as Django's connections are."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._route: Callable[[type[Model]], str] = router.db_for_write
        self._compiled: dict[str, Compiled] = {}

    def _compile(self, connection: Any) -> Compiled:
        raise NotImplementedError

    def _execute(self, values: dict[str, Any]) -> tuple[Any, Any]:
        """The cursor after the execution; close it."""
        alias = self._route(self._model)
        connection = connections[alias]
        if alias not in self._compiled:
            sql, parameters, reading = self._compile(connection)
            self._compiled[alias] = sql, [_binding(parameter, connection) for parameter in parameters], reading
        sql, bindings, reading = self._compiled[alias]
        cursor = connection.cursor()
        try:
            cursor.execute(sql, [bind(values) for bind in bindings])
        except BaseException:
            cursor.close()
            raise
        return cursor, reading


def _binding(parameter: Any, connection: Any) -> Callable[[dict[str, Any]], Any]:
    if not isinstance(parameter, Parameter):
        return lambda _values: parameter
    name, prepare = parameter.name, parameter.output_field.get_db_prep_save
    return lambda values: prepare(values[name], connection=connection)


class Select(_Statement):
    """A SELECT: `build` returns a query set of `values_list`, with a Parameter for each value that varies.

    `for_write`: what it finds decides what is written next, so that no replica may answer.
    """

    def __init__(
        self, model: type[Model], build: Callable[[], "QuerySet[Any, Any]"], *, for_write: bool = False
    ) -> None:
        super().__init__(model)
        self._build = build
        if not for_write:
            self._route = router.db_for_read

    def _compile(self, connection: Any) -> Compiled:
        compiler = self._build().query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        return sql, parameters, (compiler, converters)

    def rows(self, **values: Any) -> list[list[Any]]:
        """The rows that the statement finds."""
        cursor, (compiler, converters) = self._execute(values)
        with cursor:
            found = cursor.fetchall()
        return list(compiler.apply_converters(found, converters))

    def first(self, **values: Any) -> list[Any] | None:
        """The first of these rows, or None."""
        return next(iter(self.rows(**values)), None)


class Insert(_Statement):
    """An INSERT of one row, with a value for each of these fields, or for all. No signals are sent.

    With `ignore_conflicts`, it does nothing if another row has a value that must be unique: no savepoint is needed.
    """

    def __init__(self, model: type[Model], *fields: str, ignore_conflicts: bool = False) -> None:
        super().__init__(model)
        self._fields = fields or tuple(field.name for field in model._meta.concrete_fields if not field.generated)  # noqa: SLF001 - public
        self._on_conflict = OnConflict.IGNORE if ignore_conflicts else None

    def _compile(self, connection: Any) -> Compiled:
        meta: Any = self._model._meta  # noqa: SLF001 - public
        fields = [meta.get_field(name) for name in self._fields]
        row = self._model(**{field.attname: Parameter(field.name, field) for field in fields})
        query = InsertQuery(self._model, on_conflict=self._on_conflict)
        query.insert_values(fields, [row], raw=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = [meta.pk]
        [(sql, parameters)] = compiler.as_sql()
        return sql, parameters, meta.pk

    def __call__(self, **values: Any) -> Any:
        """Insert the row; returns its primary key, or None if it was not inserted."""
        cursor, key = self._execute(values)
        with cursor:
            row = cursor.fetchone()
        return None if row is None else key.to_python(row[0])

    def store(self, row: Model) -> bool:
        """Insert a new object, which has its key, as its fields prepare it. False if it was not inserted."""
        meta: Any = row._meta  # noqa: SLF001 - public
        fields = [meta.get_field(name) for name in self._fields]
        if self(**{field.name: field.pre_save(row, add=True) for field in fields}) is None:
            return False
        row._state.adding, row._state.db = False, self._route(self._model)  # noqa: SLF001 - as Django's `save`
        return True


class _Write(_Statement):
    """A statement about the rows of `build`, which returns none."""

    def __init__(self, model: type[Model], build: Callable[[], "QuerySet[Any, Any]"]) -> None:
        super().__init__(model)
        self._build = build

    def __call__(self, **values: Any) -> int:
        """Write; returns the number of rows that were written."""
        cursor, _ = self._execute(values)
        with cursor:
            number: int = cursor.rowcount
        return number


class Update(_Write):
    """An UPDATE of the rows of `build`, of these fields, each with a Parameter or another expression."""

    def __init__(self, model: type[Model], build: Callable[[], "QuerySet[Any, Any]"], **changes: Any) -> None:
        super().__init__(model, build)
        self._changes = changes

    def _compile(self, connection: Any) -> Compiled:
        query: Any = self._build().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        return sql, parameters, None


class Delete(_Write):
    """A DELETE of the rows of `build`, and of nothing else: whatever refers to them must be dealt with before."""

    def _compile(self, connection: Any) -> Compiled:
        query = self._build().query.chain(DeleteQuery)
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        return sql, parameters, None


def columns(model: type[Model]) -> tuple[str, ...]:
    """The columns of a model, as `values_list` and `from_db` take them."""
    return tuple(field.attname for field in model._meta.concrete_fields)  # noqa: SLF001 - public


def parameter(model: type[Model], field: str, name: str = "") -> Parameter:
    """The Parameter for a value of this field, under the field's name or another."""
    return Parameter(name or field, model._meta.get_field(field))  # type: ignore[arg-type]  # noqa: SLF001 - public
