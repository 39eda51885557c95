"""Reading the database as it is at one moment, in several queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from strata.db.write_format.check import only_reading


@contextmanager
def consistent_read() -> Iterator[None]:
    """A transaction that does not see what others commit after its first read. It takes no lock, so only read in it."""
    with only_reading(), _taking_no_lock(), transaction.atomic():
        _hold_still()
        yield


@contextmanager
def _taking_no_lock() -> Iterator[None]:
    """Our transactions take SQLite's write lock when they begin; a transaction that only reads must not."""
    if connection.vendor != "sqlite":
        yield
        return
    sqlite: Any = connections[DEFAULT_DB_ALIAS]  # the stubs have no transaction_mode
    usual, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        yield
    finally:
        sqlite.transaction_mode = usual


def _hold_still() -> None:
    """In PostgreSQL's default isolation level each statement sees what has been committed by then."""
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


@contextmanager
def on_disk() -> Iterator[None]:
    """SQLite keeps in memory what it sorts and its temporary tables; many rows are better kept in a file.

    A small one never reaches its file. The setting cannot change inside a transaction.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA temp_store = FILE")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA temp_store = MEMORY")
