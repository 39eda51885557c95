"""Database outages that are no fault of the program, each as one sentence for the operator."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError

from strata.db.retry import can_begin_again
from strata.db.write_format.check import NewerFormat

DISK_FULL, READ_ONLY = "53100", "25006"  # PostgreSQL's codes: its messages are in the server's language
LOST = ("08", "57P")  # of errors of a server that is away, restarts or shuts down; a lost connection has none
FULL = (errno.ENOSPC, errno.EDQUOT)
AGAIN = "Free some space and try again: what was not finished was not written."


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and the errors that it was raised from or while handling."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_full(error: BaseException) -> bool:
    return sqlstate_of(error) == DISK_FULL or "disk is full" in str(error)


def is_read_only(error: BaseException) -> bool:
    return (
        sqlstate_of(error) == READ_ONLY
        or sqlite_name_of(error).startswith("SQLITE_READONLY")
        or "readonly database" in str(error)
    )


def is_unusable_file(error: BaseException) -> bool:
    """A SQLite file that this user cannot write, or cannot open at all."""
    return sqlite_name_of(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))


def sqlstate_of(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)


def is_lost(error: BaseException) -> bool:
    """Whether the error means that the server is away, and not that it refused a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = sqlstate_of(error)
    return state is None or state.startswith(LOST)


def sqlite_name_of(error: BaseException) -> str:
    """SQLite's name of the error, such as SQLITE_READONLY_DIRECTORY; "" for other errors."""
    return getattr(error.__cause__, "sqlite_errorname", "")


def outage_sentence(error: BaseException, database: dict[str, Any]) -> str | None:
    """The sentence for an error of the database with these settings; None for a fault of the program."""
    for cause in chain(error):
        if isinstance(cause, OSError) and cause.errno in FULL:
            return f"There is no space left to write {cause.filename or 'the output'}. {AGAIN}"
        if isinstance(cause, NewerFormat):
            return f"{cause} Use the newer version; this one may run beside it, to read only."
        if isinstance(cause, DatabaseError | InterfaceError):
            is_sqlite = "sqlite" in database["ENGINE"]
            sentence = _of_sqlite(cause, database["NAME"]) if is_sqlite else _of_postgresql(cause, database)
            if sentence:
                return sentence
    return None


def _of_sqlite(error: BaseException, file: str) -> str | None:
    name = sqlite_name_of(error)
    if is_full(error) or (name.startswith("SQLITE_IOERR") and _has_no_space(file)):
        return f"There is no space left on the disk of the database {file}. {AGAIN}"
    if is_read_only(error):
        return f"The database {file} cannot be written: the file, its folder or its disk is read-only for this user."
    if name.startswith("SQLITE_CANTOPEN"):
        return (
            f"The database {file} cannot be opened: its folder does not exist, or this user may not use it."
        )
    if name.startswith("SQLITE_IOERR"):
        return f"The disk of the database {file} does not work ({name})."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"Another process has been writing to the database {file} for too long. Try again."
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return f"The file {file} is not a SQLite database, or is damaged."
    return None


def _has_no_space(file: str) -> bool:
    try:
        disk = os.statvfs(Path(file).parent)
    except OSError:
        return False
    return disk.f_bavail == 0


def _of_postgresql(error: BaseException, database: dict[str, Any]) -> str | None:
    where = f"The database {database['NAME']} on {database['HOST'] or 'this machine'}"
    if is_full(error):
        return f"{where} has no space left on its disk. {AGAIN}"
    if is_read_only(error):
        return f"{where} is read-only."
    if can_begin_again(error):  # after the last attempt: see strata.db.retry
        return "Others kept writing the same rows. Try again: what was not finished was not written."
    if isinstance(error, OperationalError | InterfaceError) and sqlstate_of(error) is None:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return f"{where} does not answer: {lines[0]}"
    return None
