"""Write many rows without model instances: COPY on PostgreSQL and executemany on SQLite for new rows, one statement for
hundreds of rows that are new or replaced, and one UPDATE.

Nothing here validates the rows, sets their author or writes the journal: the caller is responsible for its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cache
from itertools import batched
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection, connections, models
from django.db.models.base import ModelState

from strata.db.backends.postgresql.binary_copy import blocks, forms_of
from strata.db.params import any_array_text

READING_ALONE = {models.Field.pre_save, models.DateField.pre_save, models.DateTimeField.pre_save}
REPLACED_AT_ONCE = 500
SHARED_BY = 4  # rows, on average: where an object is in fewer, to look for it takes longer than it saves


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows with the fields `names`, each value as the database stores it.

    Such as `get_db_prep_save` of the field gives it, or: a UUID as its 32 hex digits, a day as ISO date, an instant by
    `stored_instant`, money as an integer of 1/10,000 units, and an exact number by `plain`.
    """
    columns = ", ".join(quoted(column_of(model, name)) for name in names)
    target = f"{quoted(model._meta.db_table)} ({columns})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            copy_rows(cursor, f"COPY {target} FROM STDIN", [field_of(model, name) for name in names], rows)
        else:
            marks = ", ".join(["%s"] * len(names))
            statement = f"INSERT INTO {target} VALUES ({marks})"  # noqa: S608 - names of our own columns
            cursor.executemany(statement, rows)  # type: ignore[arg-type]  # SQLite takes rows one by one, not only a list


def copy_rows(
    cursor: Any, statement: str, fields: Sequence[models.Field[Any, Any]], rows: Iterable[Sequence[Any]]
) -> None:
    forms = forms_of(fields, connection)
    # Django does not know COPY, so its errors have to be wrapped here.
    with connection.wrap_database_errors:
        if forms:
            with cursor.copy(f"{statement} (FORMAT BINARY)") as copy:
                for block in blocks(rows, forms):
                    copy.write(block)
        else:
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)


def replace_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], *, unique: Sequence[str]
) -> None:
    """As insert_rows; but where a row is stored with the same fields `unique`, it gets the other values. None of the
    rows may have these fields in common with another.
    """
    columns = {name: quoted(column_of(model, name)) for name in names}
    target = f"{quoted(model._meta.db_table)} ({', '.join(columns.values())})"
    same = ", ".join(columns[name] for name in unique)
    changed = ", ".join(
        f"{column} = excluded.{column}" for name, column in columns.items() if name not in unique
    )
    if connection.vendor == "postgresql":  # where a mark for each value takes longer than the statement
        arrays = ", ".join(f"%s::{array_type(model, name)}" for name in names)
        source = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - names of types
    else:
        source = f"VALUES ({', '.join(['%s'] * len(names))})"
    statement = f"INSERT INTO {target} {source} ON CONFLICT ({same}) DO UPDATE SET {changed}"
    with connection.cursor() as cursor:
        for batch in batched(rows, REPLACED_AT_ONCE):
            if connection.vendor == "postgresql":
                cursor.execute(statement, [*map(any_array_text, zip(*batch, strict=True))])
            else:
                cursor.executemany(statement, batch)


def array_type(model: type[models.Model], name: str) -> str:
    """The type of an array of a column's values. As text, because a cast to varchar(3) would cut longer ones."""
    stored_as = str(model._meta.get_field(name).db_type(connection))
    return "text[]" if stored_as.startswith("varchar") else f"{stored_as}[]"


def new_instance[Row: models.Model](model: type[Row], values: Iterable[Any]) -> Row:
    """A row that is not saved, with its columns in their order. Its constructor takes four times as long."""
    row = model.__new__(model)
    row._state = ModelState()
    row.__dict__.update(zip(column_names(model), values, strict=True))
    return row


@cache
def column_names(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


def insert_instances[Row: models.Model](rows: Sequence[Row]) -> None:
    """As Django's bulk_create, in a fifth of the time: one COPY, or one executemany.

    Rows without keys get them from the database, and do not know them. A field looks at its value, and changes it, as
    in `save`. No value may be an expression.
    """
    columns = columns_to_insert(rows)
    insert_rows(type(rows[0]), [*columns], zip(*columns.values(), strict=True))
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def columns_to_insert(rows: Sequence[models.Model]) -> dict[str, list[Any]]:
    """The values of new rows by the names of their fields, as `insert_rows` takes them."""
    model, database = type(rows[0]), connections[connection.alias]
    fields: list[Any] = [
        field
        for field in model._meta.concrete_fields
        if not field.generated and not (field.primary_key and rows[0].pk is None)
    ]
    refer_to_saved_rows(rows, [field for field in fields if field.is_relation])
    return {field.name: as_text(stored_column(field, rows, database)) for field in fields}


def refer_to_saved_rows(rows: Iterable[Any], relations: Sequence[Any]) -> None:
    """As Django does before a save: raise ValueError where a related row is not saved, or take the key it got since."""
    for row in rows:
        for field in relations:
            if (
                row.__dict__.get(field.attname) is None
                and row._state.fields_cache.get(field.name) is not None
            ):
                row._prepare_related_fields_for_save(operation_name="bulk_create", fields=[field])


def stored_column(field: Any, rows: Sequence[models.Model], database: Any) -> list[Any]:
    """The values of a field as the database stores them. A value that many rows share is prepared once."""
    if hasattr(field, "stored_column"):
        stored: list[Any] = field.stored_column(rows, database)
        return stored
    values = values_to_save(field, rows)
    if isinstance(field, models.UUIDField) and set(map(type, values)) == {UUID}:
        return [value.hex for value in values]
    return converted(values, lambda value: field.get_db_prep_save(value, database))


def as_text(column: list[Any]) -> list[Any]:
    """Ids, days and instants as text, once where rows share them: psycopg would write each by a function of Python."""
    return converted(column, text_of) if isinstance(column[0], UUID | date) else column


def text_of(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return str(value) if isinstance(value, date) else value


def values_to_save(field: Any, rows: Iterable[models.Model]) -> list[Any]:
    """As pre_save of each row. Most fields only read their attribute, which `map` does in a quarter of the time."""
    is_clock = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    if type(field).pre_save in READING_ALONE and not is_clock:
        return list(map(attrgetter(field.attname), rows))
    return [field.pre_save(row, True) for row in rows]


def converted(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """`convert` of each value, called once for an object that many rows share."""
    shared = {id(value): value for value in values}
    if len(shared) == 1:
        return [convert(values[0])] * len(values)
    if len(shared) > len(values) // SHARED_BY:
        return list(map(convert, values))
    results = {key: convert(value) for key, value in shared.items()}
    return list(map(results.__getitem__, map(id, values)))


def update_rows(
    model: type[models.Model],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    located_by: Sequence[str] = (),
) -> None:
    """Set the fields `names` of many rows to values of their own, in one statement. Each row begins with its key, and
    with the fields `located_by`, by which it is looked up too.

    Values are as `get_db_prep_save` of their fields gives them: texts, whole numbers and the like, and no bytes.
    """
    fields = [model._meta.pk, *map(model._meta.get_field, (*located_by, *names))]
    columns = [column_of(model, field.name) for field in fields if field is not None]
    keys = 1 + len(located_by)
    table = quoted(model._meta.db_table)
    changed = ", ".join(f"{quoted(name)} = given.{quoted(name)}" for name in columns[keys:])
    same = " AND ".join(f"{table}.{quoted(name)} = given.{quoted(name)}" for name in columns[:keys])
    given, params = _given(fields, columns, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {changed} FROM ({given}) AS given WHERE {same}",  # noqa: S608 - names of our own columns
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


def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{model._meta.label}.{name} has no column")
    return field


def column_of(model: type[models.Model], name: str) -> str:
    return str(field_of(model, name).column)


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def stored_instant(instant: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(instant))
