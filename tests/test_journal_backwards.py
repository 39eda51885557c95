"""Backwards, the journal's entries of every form become entries by themselves: in batches that may be interrupted."""

from __future__ import annotations

from importlib import import_module
from itertools import count
from uuid import UUID

import pytest
from django.db import DatabaseError
from django.db.migrations.executor import MigrationExecutor
from django.db.transaction import atomic

from tests.release_databases import ALIAS, migrate, schema

BEFORE_FORMS, BEFORE_COPY = (
    ("strata", "0018_households_written_in_steps"),
    ("strata", "0022_format_of_the_database"),
)
TAGS = "018bcfe62b5073138000000000000001", "018bcfe62b5073138000000000000002"
ENTRY = "at, actor_name, request_id, road, model, object_id, action, write_id, last_id, packed"


def add_entries(connection, *entries: str) -> None:
    with connection.cursor() as cursor:
        for entry in entries:
            cursor.execute(
                f"INSERT INTO strata_change ({ENTRY})"
                f" VALUES ('2026-11-28 12:00:00+00:00', '', '', '', 'assets.Tag', {entry})"
            )


def add_entries_of_every_form(connection) -> None:
    first, second = TAGS
    packed = f'["{first}", "{second}"]' if connection.vendor == "sqlite" else f"{{{first},{second}}}"
    connection.cursor().execute(
        "INSERT INTO strata_write (id, actor_name, request_id, road) VALUES (9, 'ann', 'r', 'api')"
    )
    add_entries(
        connection,
        f"'{first}', 'create', 9, '{second}', '{packed}'",
        f"'{first}', 'update', 9, NULL, NULL",
        f"'{second}', 'delete', NULL, NULL, NULL",
    )


def newest_entries(connection, number: int) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT object_id, actor_name, request_id, action FROM strata_change ORDER BY id DESC LIMIT {number}"
        )
        return [(UUID(str(pk)).hex, *rest) for pk, *rest in reversed(cursor.fetchall())]


def entries_by_themselves() -> list[tuple]:
    first, second = TAGS
    by_ann = [(first, "ann", "r", "create"), (second, "ann", "r", "create"), (first, "ann", "r", "update")]
    return [*by_ann, (second, "", "", "delete")]


def test_entries_of_every_form_become_entries_by_themselves_backwards(newest):
    MigrationExecutor(newest).migrate([BEFORE_FORMS])
    without_copy = schema(newest)
    migrate(newest)
    with_forms = schema(newest)
    add_entries_of_every_form(newest)
    MigrationExecutor(newest).migrate([BEFORE_FORMS])
    assert schema(newest) == without_copy
    assert newest_entries(newest, 4) == entries_by_themselves()
    with pytest.raises(DatabaseError, match="cannot be changed"), atomic(ALIAS):
        newest.cursor().execute("DELETE FROM strata_change")
    migrate(newest)
    assert schema(newest) == with_forms
    with newest.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM strata_history WHERE request_id = 'r'")
        assert cursor.fetchone() == (3,)


@pytest.fixture
def copies(monkeypatch):
    """The module that copies entries, in batches of two rows."""
    module = import_module("strata.migrations._entries_by_themselves")
    monkeypatch.setattr(module, "BATCH", 2)
    return module


def interrupt_at(copies, monkeypatch, number: int) -> None:
    """Interrupt the copy before its batch of this number."""
    usual, batches = copies.next_batch, count(1)

    def next_batch(*arguments):
        if next(batches) == number:
            raise KeyboardInterrupt
        return usual(*arguments)

    monkeypatch.setattr(copies, "next_batch", next_batch)


def copied(connection) -> int | None:
    if "strata_change_copy" not in connection.introspection.table_names():
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM strata_change_copy")
        return cursor.fetchone()[0]


def test_copy_of_entries_goes_on_where_it_was_interrupted(newest, copies, monkeypatch):
    add_entries_of_every_form(newest)
    interrupt_at(copies, monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        MigrationExecutor(newest).migrate([BEFORE_COPY])
    assert copied(newest) == 4
    inserted = []
    newest.execute_wrappers.append(lambda execute, sql, *rest: inserted.append(sql) or execute(sql, *rest))
    MigrationExecutor(newest).migrate([BEFORE_COPY])
    total = copied(newest)
    assert sum("INSERT INTO strata_change_copy" in sql for sql in inserted) < total // 2
    add_entries(newest, f"'{TAGS[0]}', 'delete', NULL, NULL, NULL")
    MigrationExecutor(newest).migrate([BEFORE_FORMS])
    assert newest_entries(newest, 5) == [*entries_by_themselves(), (TAGS[0], "", "", "delete")]
    with newest.cursor() as cursor:
        cursor.execute("SELECT count(*), max(id) FROM strata_change")
        assert cursor.fetchone() == (total + 1, total + 1)
    assert copied(newest) is None


def test_copy_with_entries_that_are_gone_is_made_again(newest, copies):
    """Those of a restoration that was given up after they were copied."""
    add_entries_of_every_form(newest)
    MigrationExecutor(newest).migrate([BEFORE_COPY])
    with newest.cursor() as cursor:
        cursor.execute("UPDATE strata_change_progress SET entries = entries + 1")
        cursor.execute("UPDATE strata_change_copy SET action = 'wrong'")
    MigrationExecutor(newest).migrate([BEFORE_FORMS])
    assert newest_entries(newest, 4) == entries_by_themselves()


def test_copy_that_is_not_used_is_dropped_forwards(newest):
    add_entries_of_every_form(newest)
    MigrationExecutor(newest).migrate([BEFORE_COPY])
    assert copied(newest)
    migrate(newest)
    assert copied(newest) is None
