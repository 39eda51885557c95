"""Reading the database as it is at one moment, for as long as that takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A transaction that sees nothing of what others commit after its first read. It takes no lock, so only read."""
    with _taking_no_lock(), transaction.atomic():
        _hold_still()
        yield


@contextmanager
def _taking_no_lock() -> Iterator[None]:
    """A transaction of ours takes SQLite's one write lock as it begins; one that only reads must not."""
    if connection.vendor != "sqlite":
        yield
        return
    usual, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
    try:
        yield
    finally:
        connection.transaction_mode = usual


def _hold_still() -> None:
    """PostgreSQL's usual transaction sees with each statement what has been committed by then."""
    if connection.vendor == "postgresql" and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
