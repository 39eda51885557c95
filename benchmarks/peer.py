"""The same figures from another program: `python benchmarks/peer.py` compares Strata with hledger on the dataset I.

Both are whole processes, in turn, and what counts is the time of the processor. hledger reads a journal with the same
transactions, prices and rates, and computes the time- and the money-weighted return over all twelve years (`roi`).
DATABASE_URL names a database that `make bench` has filled; hledger has to be installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")

import django  # noqa: E402

django.setup()

from assets.models import ExchangeRate, Transaction  # noqa: E402
from benchmarks import prices  # noqa: E402
from benchmarks.investments import OWNER  # noqa: E402
from portfolios.models import Portfolio  # noqa: E402
from reports.queries import net_worth_history  # noqa: E402
from reports.queries.investments import performance_report  # noqa: E402

CURRENCY = "EUR"


# --- the journal ---


def write_journal(path: Path) -> None:
    with path.open("w") as file:
        for lines in (rates(), prices_of_all(), trades()):
            file.writelines(f"{line}\n" for line in lines)


def commodity(symbol: str) -> str:
    return f'"{symbol}"'


def rates() -> Iterator[str]:
    rows = ExchangeRate.objects.filter(currency__in=prices.CURRENCIES, on__gte=prices.FIRST, lasting=False)
    for currency, on, units in rows.order_by("on").values_list("currency", "on", "units_per_euro"):
        yield f"P {on} {CURRENCY} {units.normalize():f} {currency}"


def prices_of_all() -> Iterator[str]:
    days = prices.weekdays(prices.DAYS)
    for number in range(prices.INSTRUMENTS):
        places, currency = prices.places_of(number), prices.CURRENCIES[number % len(prices.CURRENCIES)]
        name = commodity(f"{prices.SOURCE}{number}")
        for on, price in zip(days, prices.walk(number, prices.DAYS), strict=True):
            whole, rest = divmod(price, 10**places)
            yield f"P {on} {name} {whole}.{rest:0{places}} {currency}"


def trades() -> Iterator[str]:
    rows = Transaction.objects.filter(asset__portfolio__name=OWNER).order_by("on", "position", "id")
    columns = ("on", "type", "asset__name", "currency", "quantity", "amount", "fee")
    for on, kind, name, currency, quantity, amount, fee in rows.values_list(*columns).iterator():
        yield f"{on} {kind}"
        if kind == "INCOME":
            yield f"    pnl:income  {-amount} {currency}"
            yield "    cash"
        else:
            sign = -1 if kind == "DISPOSE" else 1
            yield f"    assets:{name}  {sign * quantity:f} {commodity(name)} @@ {amount} {currency}"
            yield f"    pnl:fees  {fee} {currency}"
            yield "    cash"
        yield ""


# --- the two programs ---


def strata(start: date, end: date) -> None:
    """Twelve years of daily net worth, twr and xirr, from what is stored. Runs in a process of its own."""
    portfolios = list(Portfolio.objects.filter(household__name=OWNER, name=OWNER))
    net_worth_history(portfolios, start=start, end=end, interval="day", currency=CURRENCY)
    report = performance_report(portfolios, start=start, end=end, currency=CURRENCY)
    print(report.measures)


def seconds_of(command: list[str]) -> float:
    """User and system time of a process and its children."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--strata", action="store_true", help="only what Strata does, once")
    options = parser.parse_args()
    if options.strata:
        strata(prices.FIRST, prices.LAST)
        return
    if shutil.which("hledger") is None:
        raise SystemExit("hledger is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "investments.journal"
        write_journal(journal)
        peer = ["hledger", "-f", str(journal), "roi", "--investment", "assets", "--profit-loss", "pnl"]
        peer += [
            "--value",
            f"end,{CURRENCY}",
            "--begin",
            f"{prices.FIRST}",
            "--end",
            f"{prices.LAST + timedelta(days=1)}",
        ]
        own = [sys.executable, __file__, "--strata"]
        figures = [(seconds_of(own), seconds_of(peer)) for _ in range(options.times)]
    ours, peers = (statistics.median(column) for column in zip(*figures, strict=True))
    print("| twelve years of I, a new process, s of CPU | Strata | hledger |\n| --- | ---: | ---: |")
    print(f"| daily net worth, twr and xirr; hledger: twr and irr alone | {ours:.2f} | {peers:.2f} |")


if __name__ == "__main__":
    main()
