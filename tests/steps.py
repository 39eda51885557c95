"""How much work a call is, as a number that a busy machine does not change."""

from __future__ import annotations

import sys
from collections.abc import Callable

OWN_TOOL = 4  # of sys.monitoring: debuggers, coverage, profilers and optimizers have numbers of their own


def steps_during[T](work: Callable[[], T]) -> tuple[T, int]:
    """What `work` returns, and how many lines of Python ran meanwhile."""
    steps = 0

    def count(code: object, line: int) -> None:
        nonlocal steps
        steps += 1

    monitoring = sys.monitoring
    monitoring.use_tool_id(OWN_TOOL, "steps")
    monitoring.register_callback(OWN_TOOL, monitoring.events.LINE, count)
    monitoring.set_events(OWN_TOOL, monitoring.events.LINE)
    try:
        return work(), steps
    finally:
        monitoring.set_events(OWN_TOOL, monitoring.events.NO_EVENTS)
        monitoring.free_tool_id(OWN_TOOL)
