"""Runs concurrent writers on PostgreSQL in a fixed order of events, so that a race is tested without chance.

Each statement that locks or writes is a stopping point. The first writer stops after it. The others then run until
they are done or PostgreSQL reports that they wait for a lock. Then the first writer continues.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from django.db import connection, connections
from psycopg.pq import TransactionStatus

from strata.db import retry

TIMEOUT_SECONDS = 60
POINT = re.compile(r"\s*(INSERT|UPDATE|DELETE|LOCK)\b|\bFOR (NO KEY )?UPDATE\b", re.IGNORECASE)
PREFIX = 60  # characters: a statement that begins like an earlier one is not another stopping point
BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0"

type Work = Callable[[], Any]


class Writer(Thread):
    """Runs `work` on its own connection and waits after the stopping point with the number `stop_after`."""

    def __init__(self, work: Work, stop_after: int | None = None) -> None:
        super().__init__(daemon=True)
        self.work, self.stop_after, self.points = work, stop_after, 0
        self.result: Any = None
        self.pid: int | None = None  # of the server's process that has the present transaction
        self.seen: set[str] = set()
        self.connected, self.stopped, self.go_on, self.done = Event(), Event(), Event(), Event()

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.connected.set()
            with connection.execute_wrapper(self._pause):
                self.result = self.work()
        except BaseException as error:  # the test gets it instead of a traceback in a thread
            self.result = error
        finally:
            connections.close_all()
            self.connected.set()
            self.done.set()
            self.stopped.set()

    def _pause(self, execute, sql, params, many, context):
        if self.stop_after is None and status() == TransactionStatus.INTRANS:
            # Behind a pooler each transaction may have another one.
            self.pid = connection.connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        result = execute(sql, params, many, context)
        if POINT.search(sql) and (prefix := sql[:PREFIX]) not in self.seen:
            self.seen.add(prefix)
            self.points += 1
            if self.points == self.stop_after:
                self.stopped.set()
                assert self.go_on.wait(TIMEOUT_SECONDS)
        return result

    def start_and_settle(self) -> None:
        """Starts the thread and returns when it is done or waits for a lock."""
        self.start()
        assert self.connected.wait(TIMEOUT_SECONDS)
        deadline = monotonic() + TIMEOUT_SECONDS
        while not self.done.is_set() and not self._is_blocked():
            assert monotonic() < deadline
            sleep(0.002)

    def _is_blocked(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(BLOCKED, [self.pid])
            return cursor.fetchone()[0]

    def finish(self) -> Any:
        self.go_on.set()
        assert self.done.wait(TIMEOUT_SECONDS)
        self.join(TIMEOUT_SECONDS)
        return self.result


def status() -> TransactionStatus:
    return connection.connection.info.transaction_status


def run_interleaved(first: Work, *others: Work, stop_after: int) -> tuple[list[Any], bool]:
    """The writers' results, and whether the first writer reached the stopping point `stop_after`."""
    holder = Writer(first, stop_after)
    holder.start()
    assert holder.stopped.wait(TIMEOUT_SECONDS)
    was_stopped = not holder.done.is_set()
    waiting = [Writer(work) for work in others]
    for writer in waiting:
        writer.start_and_settle()
    return [holder.finish(), *(writer.finish() for writer in waiting)], was_stopped


@contextmanager
def retry_reasons(monkeypatch) -> Iterator[list[str]]:
    """Collects the reason of each repeated transaction."""
    reasons: list[str] = []
    original = retry.can_begin_again

    def can_begin_again(error: BaseException) -> bool:
        again = original(error)
        if again:
            reasons.append(retry.reason(error))
        return again

    monkeypatch.setattr(retry, "can_begin_again", can_begin_again)
    yield reasons
