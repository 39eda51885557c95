"""Queries that are made again and again: compiled to SQL once, and then only given their values.

To compile a queryset takes longer than to run it, where it finds a few rows by an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from random import randrange
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet, prefetch_related_objects
from django.db.models.sql.compiler import SQLCompiler

from strata.db.params import id_param, ids_param

# Placeholders for values until the SQL is known: they must not be like anything else in a statement.
PLACEHOLDERS: dict[type, Callable[[], Any]] = {
    UUID: uuid4,
    list: lambda: [uuid4()],  # of ids, for the lookup `among`
    str: lambda: uuid4().hex,
    date: lambda: date.fromordinal(randrange(1_000, 300_000)),
}

_forgotten = 0  # how many times


def forget_prepared() -> None:
    """All queries are compiled again: something in the program has changed that they were built from."""
    global _forgotten
    _forgotten += 1


class Prepared[Row]:
    """Rows by a query whose SQL is always the same: `Prepared(build, UUID, date)(asset_id, on)`.

    `build` makes the queryset, with a value of each of these types. Whatever else it looks at is compiled in, so it
    must be the same for every caller, on every day and under known_at. docs/decisions/0027 says more.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]], *types: type) -> None:
        self.build, self.types = build, types

    def __call__(self, *values: Any) -> list[Row]:
        for value, value_type in zip(values, self.types, strict=True):
            if value is not None and type(value) is not value_type:
                raise TypeError(f"{value!r} is not a {value_type.__name__}.")
        return self.on(connection).rows(values)

    def first(self, *values: Any) -> Row | None:
        """The only row, where `build` limits the query to one."""
        return next(iter(self(*values)), None)

    def on(self, database: BaseDatabaseWrapper) -> Statement[Row]:
        """Kept with the connection: each is used by one thread, and is of one vendor."""
        statements: dict[Any, Statement[Any]] = vars(database).setdefault("strata_prepared", {})
        key = (self, _forgotten)
        if key not in statements:
            statements[key] = Statement(self, database)
        return statements[key]


class Statement[Row]:
    """A prepared query on one connection: its SQL, its parameters, and which of them is which value."""

    def __init__(self, prepared: Prepared[Row], database: BaseDatabaseWrapper) -> None:
        self.database = database
        self.values: Sequence[Any] = ()  # of the call that is being answered
        self.queryset, compiler, self.text = self.compiled(prepared)
        *_, with_other_placeholders = self.compiled(prepared)
        if with_other_placeholders != self.text:
            raise TypeError(f"The SQL of {prepared.build} depends on its values.")
        self.keep(compiler)

    def compiled(self, prepared: Prepared[Row]) -> tuple[QuerySet[Any, Row], SQLCompiler, Text]:
        placeholders = [PLACEHOLDERS[value_type]() for value_type in prepared.types]
        queryset = prepared.build(*placeholders)
        compiler = queryset.query.get_compiler(connection=self.database)
        sql, params = compiler.as_sql()
        stored = [self.stored(placeholder) for placeholder in placeholders]
        if not all(placeholder in params for placeholder in stored):
            raise TypeError(f"{prepared.build} does not pass each of its values to the database.")
        places = [stored.index(param) if param in stored else None for param in params]
        constants = [None if param in stored else param for param in params]
        return queryset, compiler, Text(sql, constants, places)

    def keep(self, compiler: SQLCompiler) -> None:
        """Have the queryset run the SQL that is known, in place of compiling it."""
        columns = [column for column, *_ in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(columns)
        kept: Any = compiler
        kept.as_sql = lambda *args, **kwargs: (self.text.sql, self.params())
        kept.get_converters = lambda expressions: converters
        query: Any = self.queryset.query
        query.get_compiler = lambda *args, **kwargs: compiler

    def params(self) -> tuple[Any, ...]:
        stored = [self.stored(value) for value in self.values]
        pairs = zip(self.text.constants, self.text.places, strict=True)
        return tuple(constant if place is None else stored[place] for constant, place in pairs)

    def stored(self, value: Any) -> Any:
        """The value as a parameter."""
        if isinstance(value, UUID):
            return id_param(value)
        if isinstance(value, list):
            return ids_param(value)
        return self.database.ops.adapt_datefield_value(value) if isinstance(value, date) else value

    def rows(self, values: Sequence[Any]) -> list[Row]:
        self.values = values
        queryset: Any = self.queryset
        rows = list(queryset._iterable_class(queryset))
        prefetch_related_objects(rows, *queryset._prefetch_related_lookups)
        return rows


class Text(NamedTuple):
    """SQL with its parameters: each is a constant of the query, or the value at a place in the call."""

    sql: str
    constants: list[Any]
    places: list[int | None]
