"""Locks by name, between all threads and processes of this machine. A process that dies releases its locks.

The database cannot do this: on SQLite writers wait for each other, but none of them knows which one it waits for.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition

from django.utils.crypto import salted_hmac

from strata.db.private_files import make_private_folder, open_private

log = logging.getLogger("strata.named_locks")
PAUSE_SECONDS = 0.02


class NamedLocks:
    """For each name one byte of an empty file is locked. Nothing is written to the file.

    A process loses all its locks on a file when it closes any descriptor of it, so the file stays open. Where the
    file cannot be opened, such as on a read-only disk, the locks only work between the threads of one process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._taken: set[int] = set()
        self._changed = Condition()

    @contextmanager
    def acquire(self, name: str, *, timeout: float) -> Iterator[None]:
        """Hold the lock in the block. Raises TimeoutError where it is not free after `timeout` seconds."""
        place = int.from_bytes(salted_hmac("strata.named_locks", name, algorithm="sha256").digest()[:7])
        deadline = time.monotonic() + timeout
        with self._changed:
            if not self._changed.wait_for(lambda: place not in self._taken, timeout):
                raise TimeoutError(name)
            self._taken.add(place)
        try:
            with self._locked(place, deadline):
                yield
        finally:
            with self._changed:
                self._taken.discard(place)
                self._changed.notify_all()

    @contextmanager
    def _locked(self, place: int, deadline: float) -> Iterator[None]:
        file = self._opened()
        if file is None:
            yield
            return
        while not try_lock(file, place):
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(PAUSE_SECONDS)
        try:
            yield
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, place)

    def _opened(self) -> int | None:
        with self._changed:
            if self._file is None:
                try:
                    make_private_folder(self._path.parent)
                    self._file = open_private(self._path, os.O_RDWR)
                except OSError as error:
                    log.warning("named locks work only inside each process", exc_info=error)
            return self._file


def try_lock(file: int, place: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except BlockingIOError:
        return False
    return True
