"""Reading the database as it is at one moment, in several queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A transaction that does not see what others commit after its first read. It takes no lock, so only read in it."""
    with _taking_no_lock(), transaction.atomic():
        _hold_still()
        yield


@contextmanager
def _taking_no_lock() -> Iterator[None]:
    """Our transactions take SQLite's write lock when they begin; a transaction that only reads must not."""
    if connection.vendor != "sqlite":
        yield
        return
    usual, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
    try:
        yield
    finally:
        connection.transaction_mode = usual


def _hold_still() -> None:
    """In PostgreSQL's default isolation level each statement sees what has been committed by then."""
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
