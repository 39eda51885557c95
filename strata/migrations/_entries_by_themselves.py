"""The journal as versions before 0019 read it, with an entry for each row: copied in batches, then put in its place.

Entries are never changed, so what was copied stays right: an interrupted copy goes on where it was, and others write
meanwhile. What they have added is copied when the tables are exchanged, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from strata.migrations._concurrently import reset_sequence

BATCH = 10_000  # rows
ENTRIES_AT_A_TIME = 5_000
COPY, PROGRESS = "strata_change_copy", "strata_change_progress"
COLUMNS = (
    "at, actor_id, actor_name, request_id, road, model, object_id, household_id, action, count, undo_of, before"
)
HAS_FORMS = "SELECT EXISTS (SELECT 1 FROM strata_change WHERE write_id IS NOT NULL)"
CREATE_PROGRESS = f"CREATE TABLE {PROGRESS} AS SELECT CAST(0 AS bigint) AS last_id, 0 AS entries, 0 AS copied"
CREATE_COPY = f"CREATE TABLE {COPY} (LIKE strata_change INCLUDING ALL EXCLUDING INDEXES)"
SIZES = (
    "SELECT id, COALESCE({rows}(packed), 1) FROM strata_change"
    " WHERE id > (SELECT last_id FROM strata_change_progress) AND id <= %s ORDER BY id LIMIT %s"
)
ROWS_OF = {"sqlite": "json_array_length", "postgresql": "cardinality"}
COPY_BATCH = (
    f"INSERT INTO {COPY} (id, {COLUMNS})"
    f" SELECT p.copied + row_number() OVER (ORDER BY h.id, h.object_id), {COLUMNS}"
    f" FROM strata_history h, {PROGRESS} p WHERE h.id > p.last_id AND h.id <= %s"
)
ADVANCE = f"UPDATE {PROGRESS} SET last_id = %s, entries = entries + %s, copied = copied + %s"
ENTRIES = "SELECT count(*), (SELECT entries FROM {0}) FROM strata_change WHERE id <= (SELECT last_id FROM {0})"
EXCHANGE = {
    "sqlite": ("DROP TABLE strata_change", f"ALTER TABLE {COPY} RENAME TO strata_change"),
    "postgresql": (
        "DROP TABLE strata_change",
        f"ALTER TABLE {COPY} RENAME TO strata_change",
        f"ALTER SEQUENCE {COPY}_id_seq RENAME TO strata_change_id_seq",
        "ALTER TABLE strata_change ADD CONSTRAINT strata_change_pkey PRIMARY KEY (id)",
    ),
}


def copy_entries(apps: Any, schema_editor: Any) -> None:
    """Backwards, before the exchange. Nothing is copied where each entry is by itself already."""
    connection = schema_editor.connection
    if value_of(connection, HAS_FORMS):
        create_copy(connection)
        copy_up_to(connection, last_written(connection))


def drop_copy(apps: Any, schema_editor: Any) -> None:
    """Forwards, after a copy that was not put in its place."""
    for table in (COPY, PROGRESS):
        schema_editor.execute(f"DROP TABLE IF EXISTS {table}")  # nosemgrep: no-raw-sql - names of our own


def complete_copy(apps: Any, schema_editor: Any) -> None:
    """Copy what is not copied yet, while nobody writes: to be called in the transaction of `exchange`."""
    connection = schema_editor.connection
    if connection.vendor == "postgresql":
        schema_editor.execute("LOCK TABLE strata_change")
    if not is_right(connection):
        drop_copy(apps, schema_editor)
    create_copy(connection)
    copy_up_to(connection, value_of(connection, "SELECT max(id) FROM strata_change"))


def exchange(apps: Any, schema_editor: Any) -> None:
    """Put the copy in the place of the journal, without its triggers. Whatever reads the journal must not be there."""
    for statement in (*EXCHANGE[schema_editor.connection.vendor], f"DROP TABLE {PROGRESS}"):
        schema_editor.execute(statement)
    model = apps.get_model("strata", "JournalEntry")
    for index in model._meta.indexes:
        schema_editor.add_index(model, index)
    reset_sequence(schema_editor, model)


def create_copy(connection: Any) -> None:
    if PROGRESS in connection.introspection.table_names():
        return
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute(copy_statement(connection))
        cursor.execute(CREATE_PROGRESS)


def copy_statement(connection: Any) -> str:
    """SQLite has no LIKE: the statement that made the table has all but the indexes too."""
    if connection.vendor == "postgresql":
        return CREATE_COPY
    made_by: str = value_of(connection, "SELECT sql FROM sqlite_master WHERE name = 'strata_change'")
    return made_by.replace('"strata_change"', f'"{COPY}"', 1)


def last_written(connection: Any) -> int:
    """The last id below which no transaction that is still open can write another one."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE strata_change IN SHARE MODE")
        return int(value_of(connection, "SELECT max(id) FROM strata_change"))


def copy_up_to(connection: Any, last_id: int) -> None:
    while batch := next_batch(connection, last_id):
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            end = batch[-1][0]
            cursor.execute(COPY_BATCH, [end])
            cursor.execute(ADVANCE, [end, len(batch), sum(rows for _, rows in batch)])


def next_batch(connection: Any, last_id: int) -> list[tuple[int, int]]:
    """The next entries, each with its number of rows: up to BATCH rows together, and one entry at least."""
    with connection.cursor() as cursor:
        sizes = SIZES.format(rows=ROWS_OF[connection.vendor])
        cursor.execute(sizes, [last_id, ENTRIES_AT_A_TIME])
        return list(within_a_batch(cursor.fetchall()))


def within_a_batch(entries: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    total = 0
    for number, (entry_id, rows) in enumerate(entries):
        total += rows
        if number and total > BATCH:
            return
        yield entry_id, rows


def is_right(connection: Any) -> bool:
    """Whether what was copied is still there: a restoration that was given up has deleted what it wrote."""
    if PROGRESS not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES.format(PROGRESS))  # nosemgrep: no-raw-sql - a name of our own
        now, copied = cursor.fetchone()
    return bool(now == copied)


def value_of(connection: Any, query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]
