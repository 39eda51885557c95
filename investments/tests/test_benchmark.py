"""What the same money would have done in a benchmark."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from investments.calculations.benchmark import benchmark, running_benchmark
from investments.calculations.returns import ChainDay

pytestmark = pytest.mark.on_sqlite  # no database can change it

START = date(2024, 1, 1)


def on(number: int) -> date:
    return START + timedelta(days=number)


def measured(chain, prices, start_value=0):
    """`prices` by the number of their day; each holds until the next."""
    days = [on(number) for number in sorted(prices)]

    def price_on(day):
        known = [number for number in prices if on(number) <= day]
        return Fraction(prices[max(known)]) if known else None

    return benchmark(chain, start=START, start_value=start_value, price_on=price_on, price_days=days)


def test_the_return_is_that_of_its_prices():
    chain = [ChainDay(on(number), 1000, 0, 0, 1000) for number in range(1, 366)]
    result = measured(chain, {-3: 90, 2: 100, 300: 125}, start_value=1000)
    assert result.twr is not None
    assert round(result.twr, 6) == Decimal(
        "0.388889"
    )  # 125 / 90: something is invested on the first day already
    assert result.xirr_of_same_flows is not None
    assert round(result.xirr_of_same_flows, 6) == Decimal("0.389")  # 1000 buy at 90, worth 1389 a year later


def test_the_return_of_each_day_ends_with_that_of_the_whole():
    chain = [ChainDay(on(number), 0, 0, 0, 1000 if number > 1 else 0) for number in range(1, 5)]
    prices = {2: 100, 4: 125}

    def price_on(day):
        known = [number for number in prices if on(number) <= day]
        return Fraction(prices[max(known)]) if known else None

    returns = running_benchmark(chain, start=START, price_on=price_on, price_days=[on(2), on(4)])
    assert returns == [(on(2), Decimal(0)), (on(3), Decimal(0)), (on(4), Decimal("0.25"))]
    assert returns[-1][1] == measured(chain, prices).twr
    nothing = {"start": START, "price_on": lambda day: None, "price_days": []}
    assert running_benchmark(chain, **nothing) == running_benchmark([], **nothing) == []


def test_the_first_price_is_that_at_or_after_the_start():
    chain = [ChainDay(on(number), 0, 100 if number == 9 else 0, 0, 100) for number in range(1, 9)]
    chain = [day._replace(start=0, end=0) for day in chain] + [ChainDay(on(9), 0, 100, 0, 100)]
    assert measured(chain, {-3: 50, 2: 100, 9: 110}).twr == Decimal("0.1")


def test_every_flow_buys_or_sells_at_the_price_of_its_day():
    """100 at 10 and 100 at 20 are 15 units, of which 5 are sold at 20; what is left is worth 300 at 30."""
    chain = [
        ChainDay(on(100), 0, 1_000_000, 0, 0),
        ChainDay(on(200), 0, 1_000_000, 0, 0),
        ChainDay(on(300), 0, 0, 1_000_000, 0),
        ChainDay(on(400), 0, 0, 0, 0),
    ]
    rate = measured(chain, {0: 10, 150: 20, 350: 30}).xirr_of_same_flows
    assert rate is not None
    flows = [(100, -100), (200, -100), (300, 100), (400, 300)]
    value = sum(amount * (1 + rate) ** (Decimal(400 - number) / 365) for number, amount in flows)
    assert abs(value) < Decimal("1e-6")


def test_without_a_price_there_is_no_benchmark():
    result = measured([ChainDay(on(1), 0, 100, 0, 100)], {5: 10})
    assert (result.twr, result.xirr_of_same_flows) == (None, None)
    assert set(result.reasons.values()) == {"MISSING_PRICES"}
