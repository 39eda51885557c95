"""Writers at once on PostgreSQL, the first held open at each point that matters: luck has no part in it.

A statement that locks or writes is such a point. The first writer stops after it; the second runs until it is done, or
PostgreSQL says that it waits for a lock; then the first goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from django.db import connection, connections

from strata.db import retry

PATIENCE = 60
POINT = re.compile(r"\s*(INSERT|UPDATE|DELETE|LOCK)\b|\bFOR (NO KEY )?UPDATE\b", re.IGNORECASE)
SHAPE = 60  # of a statement's beginning: one that is like an earlier one is no new point
BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0"

type Work = Callable[[], Any]


class Writer(Thread):
    """Does its work on a connection of its own; `stop_after` is the number of the point after which it waits."""

    def __init__(self, work: Work, stop_after: int | None = None) -> None:
        super().__init__(daemon=True)
        self.work, self.stop_after, self.points = work, stop_after, 0
        self.result: Any = None
        self.seen: set[str] = set()
        self.connected, self.stopped, self.go_on, self.done = Event(), Event(), Event(), Event()

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            self.connected.set()
            with connection.execute_wrapper(self._pause):
                self.result = self.work()
        except BaseException as error:  # the test sees it, and not a thread's traceback
            self.result = error
        finally:
            connections.close_all()
            self.connected.set()
            self.done.set()
            self.stopped.set()

    def _pause(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if POINT.search(sql) and (shape := sql[:SHAPE]) not in self.seen:
            self.seen.add(shape)
            self.points += 1
            if self.points == self.stop_after:
                self.stopped.set()
                assert self.go_on.wait(PATIENCE)
        return result

    def run_on(self) -> None:
        """Start it, and come back when it is done or waits for a lock."""
        self.start()
        assert self.connected.wait(PATIENCE)
        deadline = monotonic() + PATIENCE
        while not self.done.is_set() and not self._is_blocked():
            assert monotonic() < deadline
            sleep(0.002)

    def _is_blocked(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(BLOCKED, [self.pid])
            return cursor.fetchone()[0]

    def finish(self) -> Any:
        self.go_on.set()
        assert self.done.wait(PATIENCE)
        self.join(PATIENCE)
        return self.result


def interleaved(first: Work, *others: Work, stop_after: int) -> tuple[list[Any], bool]:
    """What the writers came to, and whether the first had as many points as that."""
    holder = Writer(first, stop_after)
    holder.start()
    assert holder.stopped.wait(PATIENCE)
    was_stopped = not holder.done.is_set()
    waiting = [Writer(work) for work in others]
    for one in waiting:
        one.run_on()
    return [holder.finish(), *(writer.finish() for writer in waiting)], was_stopped


@contextmanager
def counted_attempts(monkeypatch) -> Iterator[list[str]]:
    """Why each transaction that was begun again was."""
    reasons: list[str] = []
    usual = retry.can_begin_again

    def can_begin_again(error: BaseException) -> bool:
        again = usual(error)
        if again:
            reasons.append(retry.reason(error))
        return again

    monkeypatch.setattr(retry, "can_begin_again", can_begin_again)
    yield reasons
