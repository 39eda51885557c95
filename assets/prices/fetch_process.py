"""Fetches prices in a process of its own: no request of a user waits for a source.

At most two run at a time on a machine. What is requested while both are busy waits for the next load_prices.
"""

from __future__ import annotations

import subprocess  # nosemgrep: no-shell - our own command, and no shell # nosec B404
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from uuid import UUID

from django.conf import settings
from django.db import transaction

from strata.db.named_locks import NamedLocks

SLOTS = ("fetch 1", "fetch 2")
slots = NamedLocks(settings.DATA_DIR / "fetches")


@contextmanager
def slot() -> Iterator[bool]:
    """Holds one of the slots in the block. False where both are taken."""
    with ExitStack() as stack:
        for name in SLOTS:
            try:
                stack.enter_context(slots.acquire(name, patience=0))
            except TimeoutError:
                continue
            yield True
            return
        yield False


def start_fetching(instrument_id: UUID) -> None:
    """Start `load_prices --instrument ID` once the request is stored, where a slot is free."""
    transaction.on_commit(lambda: start(instrument_id))


def start(instrument_id: UUID) -> None:
    with slot() as is_free:
        if not is_free:
            return
    arguments = [sys.executable, str(settings.BASE_DIR / "manage.py"), "load_prices", "--instrument"]
    process = subprocess.Popen(  # noqa: S603 - a fixed program and an id # nosec B603
        [*arguments, str(instrument_id)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    Thread(target=process.wait, daemon=True).start()
