"""An SQLite file that somebody sent to rows: opened in memory, and only its tables are read."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Mapping
from decimal import Decimal

from imports.reading.numbers import number_of_workbook
from imports.reading.refusals import FileRefused
from imports.reading.tables import MOST_COLUMNS
from imports.reading.texts import refuse_unstorable

type Value = str | int | Decimal | None
type Row = Mapping[str, Value]
type Tables = Mapping[str, list[Row]]

MOST_SECONDS = 20
MOST_TABLES = 200
MOST_ROWS = 1_000_000
LONGEST_VALUE = 1024 * 1024
STEPS = 100_000  # of the program of a statement, between two looks at the clock
_TABLE = re.compile(r"\s*CREATE\s+TABLE\b", re.IGNORECASE)


def read_database(data: bytes) -> Tables:
    """All tables by name in small letters. No view, no virtual table and no trigger is read or run.

    Raises FileRefused for a damaged file, and one that takes too long.
    """
    connection = sqlite3.connect(":memory:")
    deadline = time.monotonic() + MOST_SECONDS
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(LONGEST_VALUE, len(data)))
        connection.deserialize(without_log(data))
        connection.text_factory = lambda value: value.decode("utf-8", "replace")
        connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return {name.casefold(): rows_of(connection, name) for name in table_names(connection)}
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError, MemoryError, RecursionError):
        # UnicodeError: names of columns, and what SQLite says of a damaged schema, are no texts of the factory.
        raise FileRefused("BROKEN_FILE") from None
    finally:
        connection.close()


def without_log(data: bytes) -> bytes:
    """The file as one without a write-ahead log: in memory it could have none."""
    return data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data


def table_names(connection: sqlite3.Connection) -> list[str]:
    tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    names = [str(name) for name, sql in tables if isinstance(sql, str) and _TABLE.match(sql)]
    return [name for name in names if not name.startswith("sqlite_")][:MOST_TABLES]


def rows_of(connection: sqlite3.Connection, name: str) -> list[Row]:
    quoted = name.replace('"', '""')
    cursor = connection.execute(f'SELECT * FROM "{quoted}" LIMIT {MOST_ROWS + 1}')  # noqa: S608 - a quoted name
    columns = [str(column[0]).casefold() for column in cursor.description]
    if len(columns) > MOST_COLUMNS:
        raise FileRefused("TOO_MANY_COLUMNS")
    rows: list[Row] = [dict(zip(columns, map(value_of, row), strict=True)) for row in cursor]
    if len(rows) > MOST_ROWS:
        raise FileRefused("TOO_MANY_ROWS")
    return rows


def value_of(value: object) -> Value:
    """Numbers with a fraction have the 15 digits that they are certain to have."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return None
        return number_of_workbook(value)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").replace("\0", "\ufffd")
    refuse_unstorable(value)
    return value if isinstance(value, str | int) else None
