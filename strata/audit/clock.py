"""The clock: the instant that an answer is for, and the instant at which a transaction writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from strata.audit.models import JournalEntry

_known_at: ContextVar[datetime | None] = ContextVar("strata_known_at", default=None)
STEP_BACK = timedelta(hours=1)


def known_at() -> datetime | None:
    """The instant of `?known_at=`; None in the present."""
    return _known_at.get()


def now() -> datetime:
    """The present, or the instant of `?known_at=`. Every "today" in an answer is calculated from it."""
    return _known_at.get() or timezone.now()


class DerivedDataHasNoPast(RuntimeError):
    """Derived data was read while the past was looked at. It knows only the present, so the answer would be wrong."""


def require_present() -> None:
    """Raises DerivedDataHasNoPast under known_at. The first line of whatever reads a derived table."""
    if known_at() is not None:
        raise DerivedDataHasNoPast("Derived tables know only the present: read the values themselves.")


@contextmanager
def set_back(to: datetime) -> Iterator[None]:
    token = _known_at.set(to)
    try:
        yield
    finally:
        _known_at.reset(token)


@dataclass(frozen=True, slots=True)
class Writing:
    """A transaction that has begun to write. `begun` is among its commit hooks until it is committed or rolled back."""

    at: datetime
    block: Any
    begun: Callable[[], None]


def written_at(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """The instant of all writes in the current transaction, so that the past never shows half of a transaction.

    After the server's clock was set back, this stays at the journal's newest instant until the clock has passed it. But
    if the clock was set back by more than STEP_BACK, it was wrong before, and the new time is used.
    """
    connection: Any = connections[using]
    if not connection.in_atomic_block:
        return _not_before_the_journal(using)
    block = outermost_block(connection)
    writing = getattr(connection, "strata_writing", None)
    if writing is None or writing.block is not block or not is_open(writing, connection):
        writing = begin_writing(_not_before_the_journal(using), using)
    return writing.at


def begin_writing(at: datetime, using: str = DEFAULT_DB_ALIAS) -> Writing:
    """From now on this is the instant of all writes in the current transaction."""
    connection: Any = connections[using]
    writing = Writing(at, outermost_block(connection), lambda: None)
    transaction.on_commit(writing.begun, using=using)
    connection.strata_writing = writing
    return writing


def outermost_block(connection: Any) -> Any:
    """The block of the transaction, or None. The transaction around a test does not count."""
    return next((atomic for atomic in connection.atomic_blocks if not atomic._from_testcase), None)


def is_open(writing: Any, connection: Any) -> bool:
    """Whether its transaction and savepoint are. Searched from the end: a transaction has many hooks."""
    return any(hook is writing.begun for _, hook, *_ in reversed(connection.run_on_commit))


def _not_before_the_journal(using: str) -> datetime:
    at = timezone.now()
    newest = JournalEntry.objects.using(using).order_by("-id").values_list("at", flat=True).first()
    return newest if newest and at < newest <= at + STEP_BACK else at
