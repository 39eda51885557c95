"""CPU of requests as multiples of GET health/live: figures that hold on any machine, also on a busy one.

The CPU is that of this process and, on a PostgreSQL of this machine, of the server's process for its connection. Each
figure is the median of ROUNDS, in each of which the request and GET health/live are sent in turn: the speed of shared
cores changes from one second to the next. A bar in milliseconds is one of a quiet machine, on which GET health/live
takes QUIET_MS.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.prepared import prepared

ROUNDS, IN_A_ROW = 15, 20
QUIET_MS = 0.28
type Row = tuple[str, float | None, float, None]
type Work = tuple[str, dict[str, float | None], Callable[[], object]]
type WorkInMs = tuple[str, float | None, Callable[[], object]]


def rows(medium: Any, large: Any, wanted: str, in_milliseconds: Iterable[WorkInMs] = ()) -> Iterator[Row]:
    live = "GET health/live, CPU ms"
    if re.search(wanted, live):
        yield (
            live,
            None,
            min(cpu_ms(partial(medium.get, "health/live"), IN_A_ROW) for _ in range(ROUNDS)),
            None,
        )
    for work, limits, call in works(medium, large):
        name = f"{work}, x GET health/live"
        if re.search(wanted, name):
            yield name, limits[connection.vendor], multiple(call, medium), None
    for work, bar, call in in_milliseconds:
        name = f"{work}, x GET health/live"
        if bar and re.search(wanted, name):
            yield name, round(bar / QUIET_MS), multiple(call, medium), None


def works(medium: Any, large: Any) -> Iterator[Work]:
    """Name, bar of each database, the work. The bars are a sixth above what prototypes reached."""
    yield "M: GET tags", bars(5, 9), partial(medium.get, "tags")
    yield "M: GET assets/{id}", bars(11, 27), partial(medium.get, f"assets/{medium.assets[1]}")
    yield "M: GET portfolios/{id}", bars(11, 21), partial(medium.get, medium.path)
    yield "M: GET assets?page_size=200", bars(55, 92), partial(medium.get, "assets?page_size=200")
    yield "M: PATCH assets/{id}", bars(63, 111), medium.patch
    yield "M: POST assets/{id}/snapshots", bars(29, None), medium.post
    for size, caller, months, days in (
        ("M", medium, bars(23, 36), bars(43, 75)),
        ("L", large, bars(41, 59), bars(207, 232)),
    ):
        yield f"{size}: monthly net worth", months, caller.net_worth_over_time("month")
        yield f"{size}: daily net worth", days, caller.net_worth_over_time("day")
    for size, caller, limits in (("M", medium, bars(125, 160)), ("L", large, bars(750, 490))):
        path = f"net-worth?portfolio={caller.portfolio.pk}&interval=month&group_by=category"
        report = partial(caller.get, f"{path}&start={caller.first}")
        yield f"{size}: monthly net worth by category", limits, report
    yield "M: quality", bars(470, 390), partial(medium.get, f"{medium.path}/quality")
    now = timezone.now().date()
    path = f"net-worth/change?portfolio={medium.portfolio.pk}&start={now - timedelta(days=30)}&end={now}"
    yield "M: change by asset, 30 days", bars(136, 165), partial(medium.get, path)
    yield "M: the dashboard again", bars(62, 62), medium.first_page


def bars(sqlite: float | None, postgresql: float | None) -> dict[str, float | None]:
    return {"sqlite": sqlite, "postgresql": postgresql}


def multiple(call: Callable[[], object], caller: Any) -> float:
    """How many times the CPU of GET health/live the work takes, without its preparation."""
    prepared(call)()
    live = partial(caller.get, "health/live")
    return median(cpu_ms(prepared(call), 1) / cpu_ms(live, IN_A_ROW) for _ in range(ROUNDS))


def cpu_ms(call: Callable[[], object], times: int) -> float:
    begun = used_ms()
    for _ in range(times):
        call()
    return (used_ms() - begun) / times


def used_ms() -> float:
    return time.process_time_ns() / 1e6 + server_ms()


def server_ms() -> float:
    """Of the server's process for this connection, if the server is a PostgreSQL of this machine, else 0."""
    if connection.vendor != "postgresql" or connection.connection is None:
        return 0.0
    schedule = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return int(schedule.read_text().split()[0]) / 1e6 if schedule.exists() else 0.0
