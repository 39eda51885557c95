"""Insert hundreds of thousands of rows without model instances: COPY on PostgreSQL, executemany on SQLite.

Nothing here validates the rows, sets their author or writes the journal: the caller is responsible for its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

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


def column_of(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise TypeError(f"{model._meta.label}.{name} has no column")
    return field.column


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def stored_instant(instant: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(instant))
