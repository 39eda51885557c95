"""The first read of a request, which also shows whether the connection from the request before still works.

Django asks each connection that first (CONN_HEALTH_CHECKS), which is one more round trip for every request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import InterfaceError, OperationalError

from strata.db.errors.outages import is_lost

HEALTH_CHECK_SECONDS = 2


def first_read[Result](connection: Any, read: Callable[[], Result]) -> Result:
    """What `read` returns, which only reads. Where the connection is lost it reads once more, by a new one."""
    if not is_unchecked(connection):
        return read()
    try:
        with as_health_check(connection):
            return read()
    except (OperationalError, InterfaceError) as error:
        if not is_lost(error):
            raise
    connection.close()
    return read()


def is_unchecked(connection: Any) -> bool:
    """Whether Django would ask the connection now. One that had an error is left to Django, which asks more."""
    return (
        connection.vendor == "postgresql"
        and connection.connection is not None
        and connection.health_check_enabled
        and not (connection.health_check_done or connection.errors_occurred or connection.in_atomic_block)
    )


@contextmanager
def as_health_check(connection: Any) -> Iterator[None]:
    """A connection that is lost without a word must not hold up the request for longer than Django's question."""
    bounded = connection.connection
    usual, bounded.wait_seconds = bounded.wait_seconds, HEALTH_CHECK_SECONDS
    connection.health_check_done = True
    try:
        yield
    finally:
        bounded.wait_seconds = usual
