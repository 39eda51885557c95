"""A long table of values, and a bank's statement, imported: by two requests, and by the command with its memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DEFAULT_DB_ALIAS, models

from assets.models import AssetSnapshot, Transaction
from benchmarks.memory import peak_mib
from portfolios.models import Portfolio

ROOT = Path(__file__).resolve().parent.parent
FIRST = date(1990, 1, 1)
ACCOUNTS = 100
type Measured = tuple[str, float | None, float, None]
type Write = Callable[[IO[bytes], int], None]


def by_requests(caller: Any, rows: int = 100_000) -> Iterator[Measured]:
    """`caller` is a Caller of work.py."""
    figure = imported(caller, "values.csv", write_table, "value", rows)
    yield f"M: {rows:,} rows imported, previewed and committed", 10_000, figure, None
    figure = imported(caller, "bookings.ofx", write_statement, "transaction", rows)
    yield f"M: {rows:,} bookings of a bank (OFX) imported", 10_000, figure, None


def imported(caller: Any, name: str, write: Write, row_type: str, rows: int) -> float:
    """The milliseconds of the two requests."""
    portfolio = new_portfolio(caller)
    with tempfile.TemporaryFile() as file:
        write(file, rows)
        file.seek(0)
        sent = {"file": SimpleUploadedFile(name, file.read()), "portfolio_id": str(portfolio.pk)}
    begun = time.perf_counter()
    answer = caller.client.post("/api/v1/imports", sent)
    if answer.status_code != 201:
        raise SystemExit(f"imports: {answer.status_code} {answer.content[:300]!r}")
    done = caller.send("POST", f"imports/{answer.json()['id']}/commit", {})
    figure = (time.perf_counter() - begun) * 1000
    if done["made"][row_type] != rows:
        raise SystemExit(f"imports: {done}")
    forget(portfolio)
    return figure


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


def write_statement(file: IO[bytes], rows: int) -> None:
    """All bookings are of one account."""
    file.write(
        b"OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR"
    )
    file.write(b"<BANKACCTFROM><BANKID>1<ACCTID>1234<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>\n")
    for number in range(rows):
        on = FIRST + timedelta(days=number // 20)
        file.write(
            b"<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>%s<TRNAMT>-%d.%02d<FITID>%d<NAME>Shop %d</STMTTRN>\n"
            % (f"{on:%Y%m%d}".encode(), number % 777 + 1, number % 90, number, number % 500)
        )
    file.write(b"</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n")


def forget(portfolio: Portfolio) -> None:
    """Delete the values and transactions without a journal, and then the portfolio."""
    for model in (AssetSnapshot, Transaction):
        rows = models.QuerySet(model).filter(asset__in=list(portfolio.assets.all()))
        rows._raw_delete(DEFAULT_DB_ALIAS)
    portfolio.delete()
