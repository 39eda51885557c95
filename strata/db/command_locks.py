"""Locks for commands that must run one at a time on a database, even when started on several machines."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

PAUSE_SECONDS = 0.2  # between two looks at a lock that somebody else has
log = logging.getLogger("strata.locks")


@contextmanager
def one_at_a_time(name: str, on_wait: Callable[[], None], *, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Hold the lock of this name. Where it is taken, call `on_wait` and wait. A process that dies releases its lock."""
    connection = connections[using]
    lock = _in_postgresql if connection.vendor == "postgresql" else _beside_the_file
    with lock(connection, name, on_wait):
        yield


@contextmanager
def _in_postgresql(connection: Any, name: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """An advisory lock in a transaction on a separate connection, because a pooler does not support session locks.

    Who waits asks again and again: a statement that waits has a snapshot, and CREATE INDEX CONCURRENTLY of a migration
    that runs meanwhile would wait for it to end.
    """
    holder = connection.copy()
    holder.ensure_connection()
    held = holder.connection
    held.wait_seconds = None
    try:
        held.execute(
            "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;"
            " SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        is_waiting = False
        while not held.execute("SELECT pg_try_advisory_xact_lock(%s)", [number_of(name)]).fetchone()[0]:
            if not is_waiting:
                on_wait()
            is_waiting = True
            sleep(PAUSE_SECONDS)
        yield
    finally:
        holder.close()  # which ends the transaction


def number_of(name: str) -> int:
    """The 64-bit number of an advisory lock of PostgreSQL."""
    return int.from_bytes(hashlib.sha256(f"strata.{name}".encode()).digest()[:8], signed=True)


@contextmanager
def _beside_the_file(connection: Any, name: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """A lock on an empty file beside the SQLite database. The holder removes the file at the end."""
    path = f"{connection.settings_dict['NAME']}.{name}.lock"
    try:
        file = _locked_file(path, on_wait)
    except OSError as error:  # where no file can be created, the database cannot be written either
        log.info("no lock for %s", name, exc_info=error)
        yield
        return
    try:
        yield
    finally:
        os.unlink(path)
        os.close(file)


def _locked_file(path: str, on_wait: Callable[[], None]) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_still_at(path, file):
            return file
        os.close(file)  # the holder has removed it meanwhile, and somebody may have created a new one


def _is_still_at(path: str, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False
