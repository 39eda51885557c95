"""manage.py performance: the line of returns, figures with their reasons, and bars of holdings and of income."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from assets.classification.seeds import TypeId
from assets.models import Instrument
from reports.rendering.terminal_returns import Bar, bars
from tests.factories import add_value, create_asset, day, record_price

from .test_investments import buy, trade


def run(*args: str) -> list[str]:
    out = io.StringIO()
    call_command("performance", *args, stdout=out)
    return out.getvalue().splitlines()


def after(lines: list[str], name: str) -> str:
    (line,) = [line for line in lines if line.startswith(name)]
    return line.removeprefix(name).strip()


PERIOD = ("--start", "2024-01-01", "--end", "2024-02-01")


@pytest.fixture
def invested(portfolio):
    """100 in a fund that rises to 110, 300 in another that stays, and income of 5 and 10."""
    for name, paid, last in (("Fund", 100, 110), ("Other fund", 300, 300)):
        asset = create_asset(portfolio, name, TypeId.STOCKS)
        buy(asset, 0, 1, paid)
        add_value(asset, paid, day(0))
        add_value(asset, last, day(20))
    trade(asset, "INCOME", 10, None, 5)
    trade(asset, "INCOME", 31, None, 10)
    index = Instrument.objects.create(
        household=portfolio.household,
        symbol="IDX",
        name="Index",
        currency="EUR",
        instrument_type="index",
        isin="DE0007164600",
    )
    for number, price in ((0, 1000), (31, 1050)):
        record_price(index, day(number), price)


def test_returns_holdings_and_income_are_drawn(invested):
    lines = run(*PERIOD, "--benchmark", "idx")
    assert lines[0] == "Performance in EUR, 2024-01-01 to 2024-02-01: Main"
    assert any("IDX (%)" in line for line in lines)
    assert any("return (%)" in line for line in lines)
    assert after(lines, "benchmark") == "+5.00 %"
    assert after(lines, "value") == "410.00"
    assert after(lines, "unrealised gain") == "10.00"
    assert after(lines, "income  ") == "15.00"
    assert after(lines, "time-weighted return") == "+6.31 %"  # 405 / 400 x 410 / 400 x 420 / 410
    holdings = lines[lines.index("Holdings") + 1 :][:2]
    assert [line.split("█")[0].strip() for line in holdings] == ["Other fund", "Fund"]
    assert [line.split()[-2:] for line in holdings] == [["300.00", "73.2%"], ["110.00", "26.8%"]]
    months = lines[lines.index("Income by month") + 1 :]
    assert [(line.split()[0], line.split()[-1]) for line in months] == [
        ("2024-01", "5.00"),
        ("2024-02", "10.00"),
    ]


def test_what_is_not_known_has_its_reason(portfolio):
    asset = create_asset(portfolio, "Franc fund", TypeId.STOCKS, currency="CHF")
    add_value(asset, 100, day(0))
    lines = run(*PERIOD)
    assert after(lines, "time-weighted return").split() == ["-", "MISSING_RATES"]
    assert after(lines, "value").split() == ["-", "MISSING_RATES"]
    assert not any("┤" in line for line in lines)


def test_benchmark_is_found_by_its_isin_among_those_that_may_be_used(invested):
    assert after(run(*PERIOD, "--benchmark", "de0007164600"), "benchmark") == "+5.00 %"
    with pytest.raises(CommandError, match="no instrument"):
        run("--benchmark", "NONE")


def test_days_in_the_wrong_order_are_refused(portfolio):
    with pytest.raises(CommandError, match="--start lies after --end"):
        run("--start", "2024-02-01", "--end", "2024-01-01")


@pytest.mark.on_sqlite
def test_bars_are_as_long_as_their_amounts_and_in_ascii_where_they_must():
    rows = [Bar("A", Decimal(4), "4"), Bar("Longer", Decimal(1), "1"), Bar("C", Decimal(-2), "-2")]
    assert bars(rows, width=24, unicode=False).splitlines() == [
        "A       ############   4",
        "Longer  ###            1",
        "C                     -2",
    ]
    assert bars([], width=80, unicode=True) == ""
