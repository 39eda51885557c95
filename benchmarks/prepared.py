"""Work that needs a preparation each time, such as a write after which it is measured. The preparation is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Prepared(NamedTuple):
    prepare: Callable[[], object]
    work: Callable[[], object]

    def __call__(self) -> None:
        self.prepare()
        self.work()


def prepared(call: Callable[[], object]) -> Callable[[], object]:
    """What is measured of a work, after its preparation."""
    if not isinstance(call, Prepared):
        return call
    call.prepare()
    return call.work
