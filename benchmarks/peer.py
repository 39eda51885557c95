"""The same figures from another program: `python benchmarks/peer.py` compares Strata with hledger on the dataset I.

Both are whole processes, in turn. hledger reads a journal with the same transactions, prices and rates, and computes
the time- and the money-weighted return over all twelve years (`roi`). Figures are printed that have to agree (to
0.01, see below), and the time of the processor. `--instruments` takes a part of the dataset, of which hledger is done
sooner. DATABASE_URL names a database that `make bench` has filled; hledger has to be installed.

What makes both say the same:

- `--value then`: hledger converts each flow and each value at the prices and rates of its day. By `--value end` it
  values every day and every flow at those of the last day, so that nothing seems to have moved in between.
- Income has a posting of nothing at the investment: hledger leaves out transactions without one.
- hledger ends a period on the day before `--end`, but values what is held on `--end` itself, at the prices of that day.
  So `--end` is the last day, and nothing may be traded on it. The period begins on the day before the first.
- The journal begins with the first transaction: hledger divides by zero where a price comes before a first purchase
  with a fee.
- hledger gives both returns a year, and Strata the time-weighted one of the whole time too.
- hledger buys at the end of a day, at the prices of that day. In Strata what comes in is there when the day starts
  (Portfolio Performance's definition). So the time-weighted return is made once more of the values and flows of
  Strata's days, by hledger's rule. One difference is left: of a trade at another price than the day's last one (amounts
  are cut to cents here), hledger spreads the gain over the new units too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")

import django  # noqa: E402

django.setup()

from assets.models import Asset, ExchangeRate, Transaction  # noqa: E402
from benchmarks import prices  # noqa: E402
from benchmarks.investments import OWNER  # noqa: E402
from investments.calculations.returns import annualised  # noqa: E402
from portfolios.models import Portfolio  # noqa: E402
from reports.queries import net_worth_history  # noqa: E402
from reports.queries.investments import performance_report  # noqa: E402

CURRENCY = "EUR"
VALUE, MONEY_WEIGHTED = "value on the last day", "money-weighted return a year, %"
AT_THE_END = "time-weighted return a year, flows at the end of each day, %"
AT_THE_START = "the same, inflows at the start of each day, %"


# --- the journal ---


def write_journal(path: Path, count: int) -> None:
    first_on = transactions(count).order_by("on").values_list("on", flat=True)[0]
    with path.open("w") as file:
        file.write(f"commodity 1000.00 {CURRENCY}\n")
        for lines in (rates(first_on), prices_of(count, first_on), trades(count)):
            file.writelines(f"{line}\n" for line in lines)


def commodity(symbol: str) -> str:
    return f'"{symbol}"'


def transactions(count: int) -> Any:
    return Transaction.objects.filter(asset__portfolio__name=OWNER, asset__name__in=names(count))


def rates(first_on: date) -> Iterator[str]:
    rows = ExchangeRate.objects.filter(currency__in=prices.CURRENCIES, on__gte=first_on, lasting=False)
    for currency, on, units in rows.order_by("on").values_list("currency", "on", "units_per_euro"):
        yield f"P {on} {CURRENCY} {units.normalize():f} {currency}"


def prices_of(count: int, first_on: date) -> Iterator[str]:
    days = prices.weekdays(prices.DAYS)
    for number in range(count):
        places, currency = prices.places_of(number), prices.CURRENCIES[number % len(prices.CURRENCIES)]
        name = commodity(f"{prices.SOURCE}{number}")
        for on, price in zip(days, prices.walk(number, prices.DAYS), strict=True):
            whole, rest = divmod(price, 10**places)
            if on >= first_on:
                yield f"P {on} {name} {whole}.{rest:0{places}} {currency}"


def trades(count: int) -> Iterator[str]:
    rows = transactions(count)
    if rows.filter(on__gte=prices.LAST).exists():
        raise SystemExit("There are transactions on the last day, which hledger leaves out.")
    columns = ("on", "type", "asset__name", "currency", "quantity", "amount", "fee")
    for on, kind, name, currency, quantity, amount, fee in (
        rows.order_by("on", "position", "id").values_list(*columns).iterator()
    ):
        yield f"{on} {kind}"
        if kind == "INCOME":
            yield f"    pnl:income  {-amount} {currency}"
            yield f"    assets:{name}  0"
        else:
            sign = -1 if kind == "DISPOSE" else 1
            yield f"    assets:{name}  {sign * quantity:f} {commodity(name)} @@ {amount} {currency}"
            yield f"    pnl:fees  {fee} {currency}"
        yield "    cash"
        yield ""


def names(count: int) -> list[str]:
    return [f"{prices.SOURCE}{number}" for number in range(count)]


# --- the two programs ---


def strata(count: int) -> None:
    """Twelve years of daily net worth, twr and xirr, from what is stored. Runs in a process of its own."""
    portfolios = list(Portfolio.objects.filter(household__name=OWNER, name=OWNER))
    start, end = prices.FIRST - timedelta(days=1), prices.LAST
    part: dict[str, Any] = {}
    if count < prices.INSTRUMENTS:
        assets = Asset.objects.filter(portfolio__in=portfolios, name__in=names(count))
        part = {"asset_filter": {"asset": list(assets.values_list("pk", flat=True))}}
    net_worth_history(portfolios, start=start, end=end, interval="day", currency=CURRENCY, **part)
    report = performance_report(portfolios, start=start, end=end, currency=CURRENCY, **part)
    measures = report.measures
    if measures is None or measures.end_value is None or measures.xirr is None:
        raise SystemExit(f"There are no returns: {report.reasons}")
    rates = [measures.xirr, at_the_end_of_days(report.chain), measures.twr_annualised]
    print(json.dumps([f"{measures.end_value / 10_000:.2f}", *(f"{100 * (rate or 0):.2f}" for rate in rates)]))


def at_the_end_of_days(chain: Sequence[Any]) -> Decimal:
    """The yearly time-weighted return where what comes in on a day buys at its end. The first day has to buy at all."""
    factor = Decimal(1)
    for day in chain:
        before = Decimal(day.start or day.inflow)
        if before:
            factor *= (day.end + day.outflow - (day.inflow if day.start else 0)) / before
    return annualised(factor - 1, len(chain)) or Decimal(0)


def hledger(journal: Path) -> list[str]:
    """The command whose last row are the figures."""
    begin = prices.FIRST - timedelta(days=1)
    command = ["hledger", "-f", str(journal), "roi", "--investment", "assets", "--profit-loss", "pnl"]
    return [*command, "--value", f"then,{CURRENCY}", "--begin", f"{begin}", "--end", f"{prices.LAST}"]


def figures_of(row: str) -> list[str]:
    """The value at the end, IRR and TWR in the row that `roi` prints of a period."""
    cells = [cell.strip() for cell in row.replace("||", "|").split("|")]
    return [cells[6].removesuffix(CURRENCY).strip(), *(cell.removesuffix("%") for cell in cells[8:10])]


def run(command: list[str]) -> tuple[float, str]:
    """User and system time of a process and its children, and the last line that is not empty and no rule."""
    before = os.times()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, [line for line in done.stdout.splitlines() if line and not line.startswith("+")][-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--instruments", type=int, default=prices.INSTRUMENTS, help="so many of all")
    parser.add_argument("--strata", action="store_true", help="only what Strata does, once")
    options = parser.parse_args()
    if options.strata:
        strata(options.instruments)
        return
    if shutil.which("hledger") is None:
        raise SystemExit("hledger is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "investments.journal"
        write_journal(journal, options.instruments)
        own = [sys.executable, __file__, "--strata", "--instruments", str(options.instruments)]
        runs = [(run(own), run(hledger(journal))) for _ in range(options.times)]
    own_figures, peer_figures = runs[-1][0][1], runs[-1][1][1]
    print(f"| {options.instruments} instruments, twelve years | Strata | hledger |\n| --- | ---: | ---: |")
    rows = zip(
        (VALUE, MONEY_WEIGHTED, AT_THE_END, AT_THE_START),
        json.loads(own_figures),
        [*figures_of(peer_figures), ""],
        strict=True,
    )
    for name, our, their in rows:
        print(f"| {name} | {our} | {their} |")
    seconds = [statistics.median(each[number][0] for each in runs) for number in (0, 1)]
    print(f"| a new process, s of CPU | {seconds[0]:.2f} | {seconds[1]:.2f} |")


if __name__ == "__main__":
    main()
