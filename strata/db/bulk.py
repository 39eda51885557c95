"""Write many rows without model instances: COPY on PostgreSQL and executemany on SQLite for new rows, and one UPDATE.

Nothing here validates the rows, sets their author or writes the journal: the caller is responsible for its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models


def insert_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[str | int | None]]
) -> None:
    """Insert rows with the fields `names`, each value as the database stores it.

    A UUID is its 32 hex digits, a day an ISO date, an instant the result of `stored_instant`, money an integer of
    1/10,000 units, and an exact number the result of `plain`.
    """
    columns = ", ".join(quoted(column_of(model, name)) for name in names)
    target = f"{quoted(model._meta.db_table)} ({columns})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Django does not know COPY, so its errors have to be wrapped here.
            with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            statement = f"INSERT INTO {target} VALUES ({marks})"  # noqa: S608 - names of our own columns
            cursor.executemany(statement, rows)  # type: ignore[arg-type]  # SQLite takes rows one by one, not only a list


def update_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the fields `names` of many rows to values of their own, in one statement. Each row begins with its key.

    Values are as `get_db_prep_save` of their fields gives them: texts, whole numbers and the like, and no bytes.
    """
    fields = [model._meta.pk, *map(model._meta.get_field, names)]
    columns = [column_of(model, field.name) for field in fields if field is not None]
    changed = ", ".join(f"{quoted(name)} = given.{quoted(name)}" for name in columns[1:])
    table, key = quoted(model._meta.db_table), quoted(columns[0])
    given, params = _given(fields, columns, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {changed} FROM ({given}) AS given WHERE {table}.{key} = given.{key}",  # noqa: S608 - names of our own columns
            params,
        )


def _given(
    fields: Sequence[Any], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """A table made of the rows: an array for each column on PostgreSQL, one JSON text on SQLite."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
        named = ", ".join(map(quoted, columns))
        given = f"SELECT * FROM unnest({arrays}) AS row({named})"  # noqa: S608 - the same
        return given, [list(column) for column in zip(*rows, strict=True)]
    parts = ", ".join(
        f"json_extract(value, '$[{number}]') AS {quoted(name)}" for number, name in enumerate(columns)
    )
    return f"SELECT {parts} FROM json_each(%s)", [json.dumps(list(map(list, rows)))]  # noqa: S608 - the same


def column_of(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{model._meta.label}.{name} has no column")
    return field.column


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def stored_instant(instant: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(instant))
