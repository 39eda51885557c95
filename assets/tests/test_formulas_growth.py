"""Growth: whole periods by the power, days inside of a period on a straight line, from the last recorded value on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.valuation.formulas.growth import GrowthTerms, newest, values

pytestmark = pytest.mark.on_sqlite

START = date(2020, 1, 31)
EURO = 10_000


def grown(rate="0.03", compounding="yearly", anchors=None, **span) -> dict[date, int]:
    days = {"start": START, "end": date(2030, 1, 31)} | span
    return dict(values(GrowthTerms(Decimal(rate), compounding), anchors or {START: 1000 * EURO}, **days))


@pytest.mark.parametrize(
    "compounding, year, two",
    [
        ("yearly", "1030", "1060.9"),
        ("half_yearly", "1030.225", "1061.3636"),
        ("quarterly", "1030.3392", "1061.5988"),
        ("monthly", "1030.4160", "1061.7570"),
        ("simple", "1030", "1060"),
    ],
)
def test_whole_periods_are_powers(compounding, year, two):
    by_day = grown(compounding=compounding)
    at = [Decimal(by_day[on]).scaleb(-4) for on in (date(2021, 1, 31), date(2022, 1, 31))]
    assert at == [Decimal(year), Decimal(two)]


def test_daily_growth_is_a_365th_of_the_rate_each_day():
    by_day = grown("0.365", "daily")
    assert [by_day[date(2020, 2, day)] for day in (1, 2)] == [10_010_000, 10_020_010]
    assert by_day[date(2021, 1, 30)] == 14_402_513  # (1 + 0.001) ** 365 = 1.44025131...


def test_inside_of_a_period_the_value_is_linear_by_days():
    by_day = grown("0.0366", "yearly")
    assert by_day[date(2020, 2, 1)] == 10_001_000  # 366 days to 31 January 2021
    assert by_day[date(2020, 2, 10)] == 10_010_000


def test_months_begin_on_the_day_of_the_recorded_value_cut_to_their_end():
    by_day = grown("0.12", "monthly")
    assert [by_day[date(2020, 2, 29)], by_day[date(2020, 3, 31)]] == [1010 * EURO, 10_201_000]


def test_recorded_value_is_the_new_start():
    by_day = grown(anchors={START: 1000 * EURO, date(2021, 6, 1): 500 * EURO})
    assert by_day[date(2021, 5, 31)] > 1030 * EURO
    assert [by_day[date(2021, 6, 1)], by_day[date(2022, 6, 1)]] == [500 * EURO, 515 * EURO]


def test_span_has_the_same_values_wherever_it_begins():
    for compounding in ("yearly", "monthly", "daily", "simple"):
        whole = grown(compounding=compounding)
        part = grown(compounding=compounding, start=date(2024, 7, 9), end=date(2025, 7, 9))
        assert part == {on: whole[on] for on in part}
        assert len(part) == 366


def test_no_value_before_the_first_recorded_one():
    assert grown(start=date(2019, 1, 1), end=date(2020, 1, 30)) == {}


def test_what_is_owed_grows_too():
    assert grown(anchors={START: -1000 * EURO})[date(2021, 1, 31)] == -1030 * EURO


def test_value_that_falls_by_the_same_amount_ends_at_zero():
    by_day = grown("-0.5", "simple")
    assert [by_day[date(year, 1, 31)] for year in (2021, 2022, 2030)] == [500 * EURO, 0, 0]


def test_rate_of_minus_one_takes_all_in_the_first_period():
    fallen = grown("-1", "yearly", {START: 1000 * EURO})
    assert (fallen[START], fallen[date(2021, 1, 31)], fallen[date(2029, 1, 1)]) == (1000 * EURO, 0, 0)
    assert newest(GrowthTerms(Decimal(-1), "yearly"), {START: 1000 * EURO}, START) == (START, 1000 * EURO)


def test_value_ends_before_it_is_too_large_for_money():
    by_day = grown("1", anchors={START: 10**18 - 1})
    assert by_day == {START: 10**18 - 1}


@pytest.mark.parametrize("compounding", ["yearly", "daily", "simple"])
def test_newest_value_of_a_day_is_that_of_the_series(compounding):
    terms, anchors = GrowthTerms(Decimal("9"), compounding), {START: 10**14, date(2024, 5, 1): 10**10}
    series = dict(values(terms, anchors, START, date(2040, 1, 1)))
    days = [date(2019, 1, 1), START, date(2020, 2, 29), date(2024, 4, 30), date(2024, 5, 1), date(2039, 3, 3)]
    expected = [max(((on, v) for on, v in series.items() if on <= day), default=None) for day in days]
    assert [newest(terms, anchors, day) for day in days] == expected
