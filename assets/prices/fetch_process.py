"""Fetches prices in a process of its own: no request of a user waits for a source.

At most two run at a time on a machine. What is requested while both are busy waits for the next load_prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

from django.conf import settings
from django.db import transaction

from strata.db.named_locks import NamedLocks
from strata.processes import start_command

SLOTS = ("fetch 1", "fetch 2")
slots = NamedLocks(settings.DATA_DIR / "fetches")


@contextmanager
def slot() -> Iterator[bool]:
    """Holds one of the slots in the block. False where both are taken."""
    with ExitStack() as stack:
        for name in SLOTS:
            try:
                stack.enter_context(slots.acquire(name, timeout=0))
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
    start_command("load_prices", "--instrument", str(instrument_id))
