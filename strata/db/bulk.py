"""Hundreds of thousands of rows at a time, faster than models can be made: COPY on PostgreSQL, executemany on SQLite.

Nothing here validates, signs or writes the journal: the caller answers for its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, models


def insert_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[str | int | None]]
) -> None:
    """Insert rows of the fields `names`, each value as the database keeps it.

    A UUID is its 32 hex digits, a day ISO, an instant `stored_instant`, money whole 1/10,000 units, an exact
    number what `plain` writes.
    """
    columns = ", ".join(quoted(model._meta.get_field(name).column) for name in names)
    target = f"{quoted(model._meta.db_table)} ({columns})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Django wraps the errors of what it knows, and it does not know COPY.
            with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {target} VALUES ({marks})", rows)  # noqa: S608 - names of our own columns


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def stored_instant(instant: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(instant))
