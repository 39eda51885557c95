"""The one place that runs a write again: after a deadlock, or where it has to restart."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from django.db import DatabaseError, OperationalError, connection, transaction

ATTEMPTS = 3
# PostgreSQL's codes: its words are in the server's language
DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"
PAUSE_SECONDS = (0.01, 0.05)  # times the attempt
log = logging.getLogger("strata.retry")


class Restart(OperationalError):
    """What a write began with has changed while it waited for a lock: the transaction has to begin again.

    To whoever gives up after the last attempt it is what a deadlock is: a database that could not do it now.
    """


def run_in_transaction[Result](function: Callable[[], Result], *, attempts: int = ATTEMPTS) -> Result:
    """The function's result, in a transaction of its own that is begun again where it could not be finished.

    Inside an atomic block the function is only called: the outermost transaction is the one that can begin again. So
    the function must be safe to call again after a rollback. After the last attempt the error is raised as it came.
    """
    if in_transaction():
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


def in_transaction() -> bool:
    """A test's own transaction is no one's: what it runs inside begins and ends as if it were not there."""
    return any(not block._from_testcase for block in connection.atomic_blocks)


def can_begin_again(error: BaseException) -> bool:
    return isinstance(error, Restart) or reason(error) in (DEADLOCK, SERIALIZATION_FAILURE)


def reason(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or type(error).__name__
