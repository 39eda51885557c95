"""performance: draws returns, holdings and income by month in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from assets.models import Instrument
from investments.calculations.reported import RATE_UNIT, rounded
from investments.calculations.returns import running_twr
from investments.queries.holdings import LotsOfAsset
from investments.queries.income import Income
from investments.queries.performance import Performance
from portfolios.models import Portfolio
from reports.management.drawing import DrawingCommand
from reports.queries.investments import income_report, lots_report, performance_report
from reports.rendering.terminal import UNICODE
from reports.rendering.terminal_returns import Bar, bars, returns_chart
from strata.fields.currencies import minor_units
from strata.fields.names import name_key
from strata.text import short

UNKNOWN = "-"


class Command(DrawingCommand):
    help = (
        "Draw the time-weighted return of a period, beside that of a benchmark, with what is held on its last day and "
        "the income of each month. With --user for the portfolios that this user may see; without it there must be "
        "only one household. Nothing is written to the database. In a pipe the output has no colours and is 80 "
        "columns wide; COLUMNS sets another width."
    )
    examples = (
        "performance",
        "performance --user alice --start 2025-01-01 --benchmark WORLD --currency USD",
        'performance --portfolio "Everything we have" | less',
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--benchmark", metavar="SYMBOL", help="An instrument to compare with, by symbol or ISIN."
        )

    def handle(self, *args, **options):
        portfolios = self.portfolios(options)
        days = {"start": options["start"], "end": options["end"]}
        report = performance_report(
            portfolios,
            **days,
            currency=self.currency(options),
            compared_with=self.benchmark(portfolios, options["benchmark"]),
        )
        lots = lots_report(portfolios, on=report.end, currency=report.currency, detail=False)
        income = income_report(portfolios, start=report.start, end=report.end, currency=report.currency)
        self.write_parts(self.parts(portfolios, report, lots, income, options))

    def benchmark(self, portfolios: Sequence[Portfolio], name: str | None) -> Instrument | None:
        if name is None:
            return None
        households = {portfolio.household_id for portfolio in portfolios}
        usable = Instrument.objects.filter(Q(household__in=households) | Q(household=None))
        rows = usable.filter(Q(symbol_key=name_key(name)) | Q(isin=name.strip().upper()))
        if len(rows) != 1:
            raise CommandError(f"There is no instrument {name!r}, or more than one.")
        return rows[0]

    def parts(
        self,
        portfolios: Sequence[Portfolio],
        report: Performance,
        lots: Sequence[LotsOfAsset],
        income: Income,
        options: dict[str, Any],
    ) -> Iterator[str]:
        width, height = self.size()
        unicode = self.can_write(UNICODE + "█")
        names = short(", ".join(portfolio.name for portfolio in portfolios), max(20, width - 20))
        yield f"Performance in {report.currency}, {report.start} to {report.end}: {names}"
        if returns := running_twr(report.chain_of_returns()):
            lines = [("return", returns)]
            if report.compared_with is not None and (compared := report.benchmark_returns()):
                lines.append((report.compared_with.symbol, compared))
            yield returns_chart(
                lines,
                report.start,
                width=width,
                height=height,
                colour=self.in_colour(options),
                unicode=unicode,
            )
        yield figures(report)
        if rows := holding_bars(lots, report.currency):
            yield "\nHoldings\n" + bars(rows, width=width, unicode=unicode)
        if rows := income_bars(income):
            yield "\nIncome by month\n" + bars(rows, width=width, unicode=unicode)


def figures(report: Performance) -> str:
    """A line for each figure; what is not known has its reason."""
    measured, places = report.measures, minor_units(report.currency)
    rates: list[tuple[str, str, Decimal | None]] = [
        ("time-weighted return", "twr", measured and measured.twr),
        ("money-weighted return", "xirr", measured and measured.xirr),
    ]
    if report.benchmark is not None:
        rates.append(("benchmark", "benchmark.twr", report.benchmark.twr))
    amounts: list[tuple[str, str, int | None]] = [
        ("value", "end_value", _fine(measured.end_value if measured else None)),
        ("realised gain", "realised_gain", report.realised_gain),
        ("unrealised gain", "unrealised_gain", report.unrealised_gain),
        ("income", "income", report.income),
        ("fees", "fees", report.fees),
        ("taxes", "taxes", report.taxes),
    ]
    rows = [(name, field, UNKNOWN if rate is None else percent(rate)) for name, field, rate in rates]
    rows += [
        (name, field, UNKNOWN if amount is None else f"{rounded(amount, places):,}")
        for name, field, amount in amounts
    ]
    return "\n".join(
        f"{name:<21}  {text:>18}  {report.reasons.get(field, '')}".rstrip() for name, field, text in rows
    )


def _fine(amount: int | None) -> int | None:
    return None if amount is None else amount * RATE_UNIT


def percent(rate: Decimal) -> str:
    return f"{rate.scaleb(2):+,.2f} %"


def holding_bars(lots: Sequence[LotsOfAsset], currency: str) -> list[Bar]:
    """What is held and has a value, the most valuable first, with its part of all of it. Accounts are left out."""
    held = [each for each in lots if each.lots.open and not each.asset.is_balance and each.value is not None]
    whole = sum(each.value or 0 for each in held)
    places = minor_units(currency)
    bars_of_held = [
        Bar(each.asset.name, amount, f"{amount:,}" + (f"  {share:>5.1%}" if share is not None else ""))
        for each in held
        for amount in (rounded(each.value or 0, places),)
        for share in (Decimal(each.value or 0) / whole if whole > 0 else None,)
    ]
    return sorted(bars_of_held, key=lambda bar: (-bar.amount, bar.name))


def income_bars(income: Income) -> list[Bar]:
    places = minor_units(income.currency)
    amounts = {str(key): rounded(row.income, places) for key, row in income.rows.items()}
    return [Bar(key, amounts[key], f"{amounts[key]:,}") for key in sorted(amounts)]
