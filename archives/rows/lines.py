"""A row as a line of JSON, made by the database in one expression: keys in order, values as Kind says.

SQLite and PostgreSQL make the same bytes from the same row, except for the order of keys inside of a JSON column.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from archives.rows.contents import Column, Kind, columns_of
from archives.rows.unstorable import storable_packed
from imports.models import ImportBlock, ImportedRows

AT_A_TIME = 500
PACKED: dict[type[models.Model], str] = {ImportBlock: "rows", ImportedRows: "references"}  # columns with JSON
LONG_AT_A_TIME = 50  # of rows that may have a thousand ids beside their line

type Block = Sequence[str]


def lines_of(rows: QuerySet[Any]) -> Iterator[Block]:
    """The lines of the rows, without their ends, a few hundred at a time."""
    model: type[models.Model] = rows.model
    columns = columns_of(model)
    blocks = blocks_of(rows.annotate(archived=Line(columns)).values_list("archived"))
    has_documents = any(column.kind is Kind.JSON for column in columns)
    packed = PACKED.get(model)
    for block in blocks:
        lines = [with_sorted_keys(line) if has_documents else line for (line,) in block]
        yield [with_storable(line, packed) for line in lines] if packed else lines


def lines_beside(
    rows: QuerySet[Any], columns: tuple[Column, ...], *beside: str
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The line of each row with these columns, and the values of others as the database gives them."""
    return blocks_of(rows.annotate(archived=Line(columns)).values_list("archived", *beside), LONG_AT_A_TIME)


def blocks_of(rows: QuerySet[Any, Any], size: int = AT_A_TIME) -> Iterator[Sequence[Any]]:
    """The rows as tuples, as the database gives them: Django looks at each value of each row, which takes longer."""
    compiler = rows.query.get_compiler(connection=connection)
    yield from compiler.execute_sql(chunked_fetch=True, chunk_size=size)


def with_sorted_keys(line: str) -> str:
    return encoded(json.loads(line))


def with_storable(line: str, packed: str) -> str:
    row = json.loads(line)
    return encoded({**row, packed: storable_packed(row[packed])})


encoded: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":")
).encode


class Line(Func):
    """The columns as a JSON object."""

    output_field = models.TextField()

    def __init__(self, columns: tuple[Column, ...], **extra: Any) -> None:
        self.columns = columns
        super().__init__(*(F(column.lookup) for column in columns), **extra)

    def _resolve_output_field(self) -> models.TextField[Any, Any]:
        return models.TextField()

    def copy(self) -> Line:
        copied: Line = super().copy()
        copied.columns = self.columns
        return copied

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        parts = (
            f"'{column.name}', {ON_SQLITE.get(column.kind, as_it_is)(sql)}"
            for column, sql in self._compiled(compiler)
        )
        return f"JSON_OBJECT({', '.join(parts)})", ()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: Any
    ) -> tuple[str, list[Any]]:
        """By one call of `format`, which makes the text once."""
        marks, arguments = [], list[str]()
        for column, sql in self._compiled(compiler):
            mark, argument = on_postgresql(column, sql)
            marks.append(f'"{column.name}":{mark}')
            arguments.append(argument)
        return f"format('{{{','.join(marks)}}}', {', '.join(arguments)})", []

    def _compiled(self, compiler: SQLCompiler) -> Iterator[tuple[Column, str]]:
        for column, expression in zip(self.columns, self.get_source_expressions(), strict=True):
            sql, _params = compiler.compile(expression)
            yield column, sql


def as_it_is(sql: str) -> str:
    return sql


def sqlite_id(sql: str) -> str:
    parts = (f"substr({sql}, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4)))
    return f"({" || '-' || ".join(parts)} || '-' || substr({sql}, 21))"


def sqlite_instant(sql: str) -> str:
    """Stored as 2026-01-31 12:00:00, and with six places where it has a fraction."""
    return f"(substr({sql}, 1, 10) || 'T' || substr({sql} || '.000000', 12, 15) || 'Z')"


def sqlite_money(sql: str) -> str:
    whole = f"(abs({sql}) / 10000)"
    rest = f"substr('0000' || (abs({sql}) - {whole} * 10000), -4)"
    return f"(CASE WHEN {sql} < 0 THEN '-' ELSE '' END || {whole} || '.' || {rest})"


ON_SQLITE: dict[Kind, Callable[[str], str]] = {
    Kind.ID: sqlite_id,
    Kind.INSTANT: sqlite_instant,
    Kind.MONEY: sqlite_money,
    Kind.INTEGER: lambda sql: f"CAST({sql} AS TEXT)",
    Kind.BOOLEAN: lambda sql: (
        f"json(CASE WHEN {sql} THEN 'true' WHEN NOT {sql} THEN 'false' ELSE 'null' END)"
    ),
    Kind.JSON: lambda sql: f"json({sql})",
    Kind.BINARY: lambda sql: f"lower(hex({sql}))",
}


def on_postgresql(column: Column, sql: str) -> tuple[str, str]:
    """Where the value is in the text of `format`, and the expression that is put there."""
    text = f"({POSTGRESQL_TEXTS.get(column.kind, as_it_is)(sql)})::text"
    if column.kind in (Kind.BOOLEAN, Kind.JSON):
        return "%%s", f"COALESCE({text}, 'null')"
    if column.kind in (Kind.TEXT, Kind.USER):
        return "%%s", f"COALESCE(to_json({text})::text, 'null')"
    # What is left has nothing that JSON writes in another way.
    return ("%%s", f"""COALESCE('"' || {text} || '"', 'null')""") if column.field.null else ('"%%s"', text)


POSTGRESQL_TEXTS: dict[Kind, Callable[[str], str]] = {
    Kind.DAY: lambda sql: f"to_char({sql}, 'YYYY-MM-DD')",
    Kind.INSTANT: lambda sql: f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    Kind.MONEY: lambda sql: f"({sql}::numeric * 0.0001)",
    Kind.EXACT: lambda sql: f"trim_scale({sql})",
    Kind.BINARY: lambda sql: f"encode({sql}, 'hex')",
}
