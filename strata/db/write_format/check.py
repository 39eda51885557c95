"""Whether this version may write the database. Asked at the begin of each transaction, by the engines.

The number is in a table of one row. A transaction that has read it keeps the table's lock until it ends, so whoever
raises the number waits for those that have begun, and nobody begins with the former one afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DatabaseError, connection
from django.utils.translation import gettext_lazy as _

WRITTEN_FORMAT = 1  # the newest format that this version writes; it reads every later one
FIRST_FORMAT = 1  # where the row is missing
NUMBER = "SELECT number FROM strata_databaseformat"
REFUSAL = _("A newer version of Strata writes this database: this one only reads. Try again.")

_only_reads = ContextVar("only reads", default=False)


class NewerFormat(DatabaseError):
    """A transaction was not begun, because it may have written what a newer version cannot use."""


@contextmanager
def only_reading() -> Iterator[None]:
    """Transactions that begin in the block write nothing, and so are not refused."""
    token = _only_reads.set(True)
    try:
        yield
    finally:
        _only_reads.reset(token)


def is_checked() -> bool:
    """Whether a transaction that begins now asks for the number."""
    return not _only_reads.get()


def is_newer(row: tuple[int] | None) -> bool:
    """Whether the row of NUMBER says that this version must not write."""
    return row is not None and row[0] > WRITTEN_FORMAT


def newer_format(number: int) -> NewerFormat:
    return NewerFormat(f"The database has format {number}, and this version writes {WRITTEN_FORMAT}.")


def stored_format() -> int:
    """The format of the database. Its table must be there."""
    with connection.cursor() as cursor:
        cursor.execute(NUMBER)
        row = cursor.fetchone()
    return row[0] if row else FIRST_FORMAT


def writes_stored_format() -> bool:
    return stored_format() <= WRITTEN_FORMAT
