"""Time-weighted returns against worked cases. The sources are those of the reference of measures."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from investments.calculations.returns import (
    ChainDay,
    Drawdown,
    annualised,
    counts_in_volatility,
    factors,
    logarithm,
    max_drawdown,
    running_twr,
    twr,
    volatility,
)

pytestmark = pytest.mark.on_sqlite  # no database can change it

FIRST = date(2012, 1, 1)
RISK = [
    Decimal("0.005"),
    Decimal(-1) / 3 / 100,
    Decimal("-0.005"),
    Decimal("0.01"),
    Decimal("0.01"),
    Decimal("-0.005"),
]


def chain_of(steps: list[tuple[int, int, int]], start: int) -> list[ChainDay]:
    """Days of (inflow, outflow, value at the end), in cents."""
    days, value = [], start
    for number, (inflow, outflow, end) in enumerate(steps):
        day = FIRST + timedelta(days=number)
        days.append(ChainDay(day, value * 100, inflow * 100, outflow * 100, end * 100))
        value = end
    return days


def test_portfolio_performance_client_index():
    """A deposit of 10000 on the day before. Interest and fees stay in the account, the others are flows."""
    flows = [(0, 0), (0, 0), (20000, 0), (0, 40000), (0, 0), (0, 0), (540000, 0), (0, 369704), (0, 0)]
    gains = [0, 23000, 20000, -23441, 29399, 29399, 19599, -88252, -100385]
    value, steps = 1_000_000, []
    for (inflow, outflow), gain in zip(flows, gains, strict=True):
        value += inflow - outflow + gain
        steps.append((inflow, outflow, value))
    chain = factors(chain_of(steps, 1_000_000))
    expected = (
        "0 0.023 0.019175455 -0.0220517 0.0294117647 0.0285714286 0.012261967 -0.0545454545 -0.0865384615"
    )
    for (_, factor), rate in zip(chain, expected.split(), strict=True):
        assert abs(factor - 1 - Decimal(rate)) < Decimal("2e-6")
    rate = twr(chain)
    assert rate is not None and abs(rate - Decimal("-0.056182678")) < Decimal("1e-9")


def test_portfolio_performance_risk():
    result = volatility([1 + rate for rate in RISK])
    assert result is not None
    assert round(result.whole, 12) == Decimal("0.017736692475")
    assert round(result.semi, 12) == Decimal("0.012188677034")


def test_a_day_with_nothing_invested_splits_the_chain():
    chain = factors(chain_of([(0, 0, 110), (0, 110, 0), (0, 0, 0), (200, 0, 220)], 100))
    assert [on.day for on, _ in chain] == [1, 2, 4]
    assert twr(chain) == Decimal("0.21")
    assert twr(factors(chain_of([(0, 0, 0), (0, 0, -5), (0, 0, 5)], 0))) is None


def test_the_running_return_ends_with_that_of_the_whole_chain():
    days = chain_of([(0, 0, 110), (0, 110, 0), (0, 0, 0), (200, 0, 220)], 100)
    assert [rate for _, rate in running_twr(days)] == [Decimal("0.1"), Decimal("0.1"), Decimal("0.21")]


def test_a_year_of_other_length():
    assert annualised(Decimal("0.21"), 730) == Decimal("0.1")
    assert annualised(Decimal("0.21"), 365) == Decimal("0.21")
    assert annualised(Decimal(-1), 10) == -1
    assert annualised(Decimal("0.21"), 0) is None
    assert annualised(Decimal("-1.5"), 10) is None


def test_the_largest_fall_has_the_days_of_its_peak_and_of_its_lowest_point():
    chain = factors(chain_of([(0, 0, 120), (0, 0, 90), (0, 0, 60), (0, 0, 130), (0, 0, 117)], 100))
    assert max_drawdown(chain, FIRST) == Drawdown(Decimal("0.5"), FIRST, FIRST + timedelta(days=2))
    falling = factors(chain_of([(0, 0, 50)], 100))
    before = FIRST - timedelta(days=1)
    assert max_drawdown(falling, before) == Drawdown(Decimal("0.5"), before, FIRST)
    assert max_drawdown([], FIRST) is None


def test_volatility_needs_two_days_and_something_left():
    assert volatility([Decimal("1.1")]) is None
    assert volatility([Decimal("1.1"), Decimal(0)]) is None


def test_days_of_the_weekend_count_where_something_happened():
    saturday = date(2024, 1, 6)
    assert counts_in_volatility(saturday - timedelta(days=1), ())
    assert not counts_in_volatility(saturday, ())
    assert counts_in_volatility(saturday, {saturday})


def test_the_fast_logarithm_is_the_exact_one():
    for text in ("0.91", "0.9999", "1.0000000001", "1.03", "1.0999", "2", "0.5"):
        factor = Decimal(text)
        assert abs(logarithm(factor) - factor.ln()) < Decimal("1e-27")
