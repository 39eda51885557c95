"""How many queries a request makes, and how long it waits for them: the first questions about a slow answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any


class Meter:
    """Counts the queries of one request. What is read while a streamed answer is sent comes after it."""

    def __init__(self) -> None:
        self.queries = 0
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """An execute_wrapper of Django."""
        started = perf_counter()
        try:
            return execute(*arguments)
        finally:
            self.queries += 1
            self.seconds += perf_counter() - started


@contextmanager
def metered(connection: Any) -> Iterator[Meter]:
    """Count the queries on the connection in the block."""
    meter = Meter()
    with connection.execute_wrapper(meter):
        yield meter
