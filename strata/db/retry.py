"""The only place that repeats a write: after a deadlock, or after a Restart."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from django.db import DatabaseError, OperationalError, connection, transaction

ATTEMPTS = 3
# PostgreSQL's codes: its messages are in the server's language
DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"
PAUSE_SECONDS = (0.01, 0.05)  # times the attempt
log = logging.getLogger("strata.retry")


class Restart(OperationalError):
    """Data that a write has read was changed while it waited for a lock: the transaction has to begin again.

    After the last attempt it is handled like a deadlock: as an OperationalError.
    """


def run_in_transaction[Result](function: Callable[[], Result], *, attempts: int = ATTEMPTS) -> Result:
    """Call the function in a transaction, and repeat both after a deadlock or a Restart. Returns the function's result.

    Inside an atomic block the function is only called: only the outermost transaction can be repeated. The function
    must be safe to call again after a rollback. After the last attempt the error is raised unchanged.
    """
    if is_in_transaction():
        return function()
    for attempt in range(1, attempts + 1):
        try:
            with transaction.atomic():
                return function()
        except DatabaseError as error:
            if attempt == attempts or not can_begin_again(error):
                raise
            log.info("a write begins again", extra={"attempt": attempt, "because": reason(error)})
            time.sleep(random.uniform(*PAUSE_SECONDS) * attempt)
    raise AssertionError("at least one attempt")


def is_in_transaction() -> bool:
    """Whether a transaction is open. The transaction around a test does not count."""
    blocks = connection.atomic_blocks
    return any(not block._from_testcase for block in blocks)  # type: ignore[attr-defined]  # not in the stubs


def can_begin_again(error: BaseException) -> bool:
    return isinstance(error, Restart) or reason(error) in (DEADLOCK, SERIALIZATION_FAILURE)


def reason(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or type(error).__name__
