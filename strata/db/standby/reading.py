"""Reading from the standby: for a block, all queries of this thread go to it, whatever they are made by.

A read sees every write that was acknowledged before it began: it waits until the standby has replayed what the primary
had written then, for at most WAIT_SECONDS.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, TextField

from strata.db.backends.first_reads import first_read
from strata.db.errors.outages import READ_ONLY, is_lost, sqlstate_of
from strata.db.standby import replay

ALIAS = "replica"
WAIT_SECONDS, POLL_SECONDS = 0.1, 0.002
PAUSE_SECONDS = 1  # in which a standby that did not answer is not asked again
# A conflict with recovery, a statement that was ended, a temporary table: the primary can answer these.
REPEATED = {"40001", "40P01", "57014", READ_ONLY}

_paused_until = 0.0  # of this process


class WrittenTo(Func):
    """SQL: where the primary's log ends, as text. NULL on a standby."""

    template = "CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn()::text END"
    output_field = TextField()


def is_configured() -> bool:
    return ALIAS in settings.DATABASES


@contextmanager
def reading_from_standby() -> Iterator[None]:
    """A router would not do: it does not see hand-written SQL."""
    primary, standby = connections[DEFAULT_DB_ALIAS], counted_standby()
    connections[DEFAULT_DB_ALIAS] = standby
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = primary


def counted_standby() -> BaseDatabaseWrapper:
    """The connection to the standby: what counts the queries of a request counts those on it too."""
    standby = connections[ALIAS]
    standby.execute_wrappers = connections[DEFAULT_DB_ALIAS].execute_wrappers
    return standby


def has_replayed(position: str) -> bool:
    """Whether the standby has what the primary had written at `position`; waits for it. False where it is away."""
    if is_paused():
        return False
    wanted, standby = replay.bytes_before(position), cast(Any, connections[ALIAS])
    if replay.is_known_to_reach(standby, wanted):
        standby.health_check_done = True  # where it is lost, the primary is asked
        return True
    try:
        return _waits_for(wanted)
    except (DatabaseError, InterfaceError):
        pause()
        return False


def _waits_for(wanted: int) -> bool:
    standby, deadline = counted_standby(), time.monotonic() + WAIT_SECONDS
    while not first_read(standby, lambda: replay.reaches(standby, wanted)):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_paused() -> bool:
    """Whether it did not answer a moment ago."""
    return time.monotonic() < _paused_until


def pause() -> None:
    """Do not ask the standby for a moment."""
    global _paused_until
    _paused_until = time.monotonic() + PAUSE_SECONDS


def is_repeated(error: Exception) -> bool:
    """Whether the primary may answer what the standby did not. Pauses a standby that is away."""
    if is_lost(error):
        pause()
        return True
    return sqlstate_of(error) in REPEATED
