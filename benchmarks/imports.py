"""A long table of values imported: by two requests, and by the command, with the memory that it takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DEFAULT_DB_ALIAS, models

from assets.models import AssetSnapshot
from benchmarks.memory import peak_mib
from portfolios.models import Portfolio

ROOT = Path(__file__).resolve().parent.parent
FIRST = date(1990, 1, 1)
ACCOUNTS = 100
type Measured = tuple[str, float | None, float, None]


def by_requests(caller: Any, rows: int = 100_000) -> Iterator[Measured]:
    """`caller` is a Caller of work.py."""
    portfolio = new_portfolio(caller)
    with tempfile.TemporaryFile() as file:
        write_table(file, rows)
        file.seek(0)
        sent = {"file": SimpleUploadedFile("values.csv", file.read()), "portfolio_id": str(portfolio.pk)}
    begun = time.perf_counter()
    answer = caller.client.post("/api/v1/imports", sent)
    if answer.status_code != 201:
        raise SystemExit(f"imports: {answer.status_code} {answer.content[:300]!r}")
    done = caller.send("POST", f"imports/{answer.json()['id']}/commit", {})
    figure = (time.perf_counter() - begun) * 1000
    if done["made"]["value"] != rows:
        raise SystemExit(f"imports: {done}")
    forget(portfolio)
    yield f"M: {rows:,} rows imported, previewed and committed", 10_000, figure, None


def by_command(caller: Any, rows: int = 1_000_000) -> Iterator[Measured]:
    portfolio = new_portfolio(caller)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        write_table(file, rows)
        file.flush()
        command = [sys.executable, str(ROOT / "manage.py"), "import_file", file.name]
        begun = time.perf_counter()
        peak = peak_of([*command, "--portfolio", str(portfolio.pk), "--yes"])
        figure = (time.perf_counter() - begun) * 1000
    forget(portfolio)
    yield f"M: {rows:,} values imported by import_file", 100_000, figure, None
    yield "M: memory of import_file, MiB", 250, peak, None


def peak_of(command: list[str]) -> float:
    """The most memory that the command takes, in MiB."""
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                peak = max(peak, peak_mib(process.pid))
            except (FileNotFoundError, StopIteration):  # it ends just now
                continue
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(process.returncode)
    return peak


def new_portfolio(caller: Any) -> Portfolio:
    return Portfolio.objects.create(household=caller.portfolio.household, name="Imports", time_zone="UTC")


def write_table(file: IO[bytes], rows: int) -> None:
    """Each day has a value of each account."""
    file.write(b"date,account,balance,currency\n")
    for number in range(rows):
        day, account = divmod(number, ACCOUNTS)
        on = FIRST + timedelta(days=day)
        file.write(
            b"%s,Account %03d,%d.%02d,EUR\n"
            % (str(on).encode(), account, account * 1000 + day % 777, day % 90)
        )


def forget(portfolio: Portfolio) -> None:
    """Delete the values without a journal, and then the portfolio."""
    models.QuerySet(AssetSnapshot).filter(asset__in=list(portfolio.assets.all()))._raw_delete(
        DEFAULT_DB_ALIAS
    )
    portfolio.delete()
