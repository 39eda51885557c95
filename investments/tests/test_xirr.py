"""Money-weighted returns against worked cases. The sources are those of the reference of measures."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from investments.calculations.xirr import Flow, Xirr, by_day, xirr

pytestmark = pytest.mark.on_sqlite  # no database can change it

END = date(2020, 12, 31)


def before(days: int, amount: str) -> Flow:
    return Flow(END - timedelta(days=days), int(Decimal(amount) * 10_000))


def on(day: str, amount: str) -> Flow:
    return Flow(date.fromisoformat(day), int(Decimal(amount) * 10_000))


EXCEL_IRR = -75_000, 12_000, 15_000, 18_000, 21_000, 24_000
HANDBOOK = "Portfolio Performance handbook, money-weighted.md, case"
CASES = {
    f"{HANDBOOK} 1": ([before(878, "-155"), before(0, "190.06")], "0.0885", 4),
    f"{HANDBOOK} 2": (
        [before(878, "-155"), before(514, "-84"), before(255, "-67"), before(0, "396.85")],
        "0.1560",
        4,
    ),
    f"{HANDBOOK} 3": (
        [before(730, "-177.94"), before(514, "-84"), before(255, "-67"), before(0, "426.82")],
        "0.1763",
        4,
    ),
    f"{HANDBOOK} 4": ([before(255, "-66"), before(0, "111.76")], "1.1253", 4),
    "Portfolio Performance IRRTest 1": ([on("2010-01-01", "-200"), on("2010-12-31", "210")], "0.05014075", 8),
    "Portfolio Performance IRRTest 2": (
        [on("2019-05-24", "-1560.94"), on("2020-01-13", "-1160"), on("2020-06-29", "42.80")],
        "-0.999251643",
        9,
    ),
    "Portfolio Performance Issue1898": (
        [on("2013-07-10", "-6737.15"), on("2020-09-21", "13068.57")],
        "0.0963",
        4,
    ),
    "Portfolio Performance SecurityPerformanceTaxRefund": (
        [before(338, "-7648"), before(0, "7430")],
        "-0.03074579",
        8,
    ),
    "Excel XIRR": (
        [
            on("2008-01-01", "-10000"),
            on("2008-03-01", "2750"),
            on("2008-10-30", "4250"),
            on("2009-02-15", "3250"),
            on("2009-04-01", "2750"),
        ],
        "0.3733625335",
        10,
    ),
    "Excel IRR": (
        [
            before(365 * (5 - year), amount)
            for year, amount in enumerate(["-75000", "12000", "15000", "18000", "21000", "24000"])
        ],
        "0.0571514289",
        10,
    ),
}


@pytest.mark.parametrize("source", CASES)
def test_worked_cases(source):
    flows, rate, places = CASES[source]
    result = xirr(flows, simple_return=Decimal("0.1"))
    assert result.code is None and result.rate is not None
    assert round(result.rate, places) == Decimal(rate)


def test_flows_of_a_day_are_one():
    flows = [before(9, "-5"), before(9, "3"), before(3, "1"), before(3, "-1"), before(0, "2")]
    assert by_day(flows) == [before(9, "-2"), before(0, "2")]


def test_no_flows_and_no_sign_change_are_no_rate():
    assert xirr([], simple_return=Decimal(0)) == Xirr(None, "NO_FLOWS")
    assert xirr([before(9, "0")], simple_return=Decimal(0)) == Xirr(None, "NO_FLOWS")
    assert xirr([before(9, "-1"), before(0, "-1")], simple_return=Decimal(0)) == Xirr(None, "NO_SIGN_CHANGE")
    never_zero = [before(730, "1000"), before(365, "-2300"), before(0, "1500")]
    assert xirr(never_zero, simple_return=Decimal(0)) == Xirr(None, "NO_SIGN_CHANGE")


@pytest.mark.parametrize(("simple_return", "nearest"), [("0.02", "0.1"), ("0.3", "0.2")])
def test_of_several_rates_the_one_nearest_to_the_simple_return(simple_return, nearest):
    """-1000, +2300, -1320 is worth nothing at 10 % and at 20 %."""
    flows = [before(730, "-1000"), before(365, "2300"), before(0, "-1320")]
    result = xirr(flows, simple_return=Decimal(simple_return))
    assert result.rate is not None and round(result.rate, 14) == Decimal(nearest)
    assert result.code == "SEVERAL_ROOTS"


def test_a_gain_within_a_day_is_a_very_large_rate():
    result = xirr([before(1, "-100"), before(0, "110")], simple_return=Decimal("0.1"))
    assert result.rate is not None
    assert abs(result.rate / (Decimal("1.1") ** 365 - 1) - 1) < Decimal("1e-15")


INVESTED = st.lists(st.tuples(st.integers(200, 4000), st.integers(10**6, 10**10)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(INVESTED, st.integers(10**6, 10**11))
def test_all_flows_are_worth_nothing_at_the_rate(invested, end):
    flows = [Flow(END - timedelta(days=days), -amount) for days, amount in invested] + [Flow(END, end)]
    result = xirr(flows, simple_return=Decimal(0))
    assert result.rate is not None and result.code is None
    value = [flow.amount * (1 + result.rate) ** (Decimal((END - flow.on).days) / 365) for flow in flows]
    assert abs(sum(value)) < Decimal("1e-9") * sum(abs(each) for each in value)


# Cents, so that the product of three has six places and amounts of it are whole numbers.
RATES = st.lists(st.integers(-60, 300).map(lambda per_cent: Decimal(per_cent) / 100), min_size=1, max_size=3)


def flows_of_roots(rates) -> list[Flow]:
    """Yearly flows that are worth nothing at these rates and at no other: (g - g1) (g - g2) ..., g = 1 + r."""
    factors = [Decimal(1)]  # of the powers of g, the lowest first
    for rate in rates:
        shifted, grown = [Decimal(0), *factors], [factor * (1 + rate) for factor in [*factors, Decimal(0)]]
        factors = [a - b for a, b in zip(shifted, grown, strict=True)]
    return [
        Flow(END - timedelta(days=365 * years), int(factor * 10**6))
        for years, factor in enumerate(factors)
        if factor
    ]


@settings(max_examples=60, deadline=None)
@given(RATES.filter(lambda rates: len(set(rates)) == len(rates)), st.integers(-90, 400))
@example([Decimal("-0.06"), Decimal("0.26"), Decimal("0.27")], 35)
@example([Decimal("0.26"), Decimal("0.27")], 0)
@example([Decimal("1.29"), Decimal("1.30"), Decimal("2.51")], 260)
def test_each_root_is_seen_however_near_to_another_one(rates, per_cent):
    simple = Decimal(per_cent) / 100
    distances = [abs(rate - simple) for rate in rates]
    assume(len(set(distances)) == len(rates))  # of two that are equally near either may be given
    result = xirr(flows_of_roots(rates), simple_return=simple)
    expected = min(rates, key=lambda rate: abs(rate - simple))
    assert result.code == ("SEVERAL_ROOTS" if len(rates) > 1 else None)
    assert result.rate is not None and round(result.rate, 12) == expected


def test_two_roots_that_are_one_are_none():
    """The value touches zero there and does not change its sign."""
    flows = flows_of_roots([Decimal("0.11"), Decimal("0.11")])
    assert xirr(flows, simple_return=Decimal(0)) == Xirr(None, "NO_SIGN_CHANGE")


# Growth of 10^5 in a day is a rate of 10^1825 a year. Each has one root there; the first and the last have others.
@pytest.mark.parametrize(
    ("by_days", "rate"),
    [
        ([(0, -6449), (1, 8439), (2, -95669), (4, -11850), (5, 105955), (6, 957207), (7, -79)], -1),
        ([(0, 645410), (3, 992371), (4, 1), (5, -248384), (7, 141687), (8, -2)], "2.2882491612e1770"),
        ([(0, -564892), (1, 949995), (2, -2859), (5, -94075), (7, -554634), (8, 4)], -1),
    ],
)
def test_rates_of_very_different_sizes_end_in_one_of_them(by_days, rate):
    flows = [Flow(END - timedelta(days=days), amount) for days, amount in by_days]
    result = xirr(flows, simple_return=Decimal(0))
    assert result.rate is not None and abs(result.rate / Decimal(rate) - 1) < Decimal("1e-10")
