"""The archive of M written, restored as a new household, and deleted again: time, memory, what others notice of it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.imports import ROOT, forget, new_portfolio, peak_of, write_table
from portfolios.models import Household

MANAGE = [sys.executable, str(ROOT / "manage.py")]
READ = ("portfolios", "assets?page_size=50", "net-worth")
REST = 0.02  # seconds between two requests of the other user
type Measured = tuple[str, float | None, float, None]


def of_household(caller: Any, other: Any) -> Iterator[Measured]:
    """`caller` is the Caller of M; `other` that of another household, who reads and writes meanwhile."""
    idle = peak_of([*MANAGE, "finish_deletions"])
    household = caller.portfolio.household
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "m.zip")
        begun = time.perf_counter()
        peak = peak_of([*MANAGE, "archive", str(household.pk), file])
        yield "M: archive of 365,000 values", 5_000, since(begun), None
        yield "M: memory of archive above idle, MiB", 150, peak - idle, None
        known = set(Household.objects.values_list("pk", flat=True))
        begun = time.perf_counter()
        peak = peak_of([*MANAGE, "restore", file])
        yield "M: restore of 365,000 values", 30_000, since(begun), None
        yield "M: memory of restore above idle, MiB", 150, peak - idle, None
        yield from noticed(other, "restore", [*MANAGE, "restore", file])
    for copy in Household.objects.exclude(pk__in=known):
        caller.client.delete(f"/api/v1/households/{copy.pk}")
    yield from noticed(other, "a large deletion", [*MANAGE, "finish_deletions"])


def during_import(caller: Any, other: Any, rows: int = 100_000) -> Iterator[Measured]:
    portfolio = new_portfolio(caller)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        write_table(file, rows)
        file.flush()
        command = [*MANAGE, "import_file", file.name, "--portfolio", str(portfolio.pk), "--yes"]
        yield from noticed(other, f"an import of {rows:,} rows", command)
    forget(portfolio)


def noticed(other: Any, what: str, command: list[str]) -> Iterator[Measured]:
    """What another user waits for while the command runs: the 95th percentile of reads, and the longest write."""
    reads: list[float] = []
    writes: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for path in READ:
                begun = time.perf_counter()
                other.get(path)
                reads.append(since(begun))
            begun = time.perf_counter()
            other.send("PATCH", f"assets/{other.assets[0]}", {"name": f"Renamed {len(writes)}"})
            writes.append(since(begun))
            time.sleep(REST)
    if process.returncode:
        raise SystemExit(process.returncode)
    yield f"T: GETs of another user during {what}, 95th percentile", None, percentile_95(reads), None
    yield f"T: longest write of another user during {what}", 1_000, max(writes), None


def percentile_95(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=20)[-1]


def since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
