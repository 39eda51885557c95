"""The state of the standby and of the replication to it, for those who operate Strata."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection, connections

from strata.db.standby.reading import ALIAS, has_replayed, is_configured

NONE, OK, LAGGING, AWAY, UNKNOWN = "none", "ok", "lagging", "away", "unknown"
SYNCHRONOUS, ASYNCHRONOUS = "synchronous", "asynchronous"
POSITION = "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn()::text END"


def position() -> str | None:
    """Where the log of the database ends; None where it is a standby, or not PostgreSQL."""
    return _value(POSITION) if connection.vendor == "postgresql" else None


def accepts_writes() -> bool:
    """Whether the database that should be the primary is one."""
    return connection.vendor != "postgresql" or position() is not None


def replication() -> str:
    """Whether a commit waits for a standby: with SYNCHRONOUS, what was acknowledged survives the primary."""
    if not is_configured():
        return NONE
    return SYNCHRONOUS if _value("SHOW synchronous_standby_names") else ASYNCHRONOUS


def standby_answers() -> bool:
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


def state_of_standby(primary_position: str | None) -> str:
    if not is_configured():
        return NONE
    if not standby_answers():
        return AWAY
    return OK if primary_position is None or has_replayed(primary_position) else LAGGING


def _value(statement: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        value: str | None = cursor.fetchone()[0]
    return value
