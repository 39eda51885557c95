"""Depreciation: cases whose figures are known from elsewhere, each rule, and what holds for all of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.valuation.formulas.depreciation import METHODS, DepreciationTerms, last_day, newest, values

pytestmark = pytest.mark.on_sqlite

START = date(2015, 1, 1)
EURO = 10_000


def terms(cost="30000", residual="7500", life=10, **others) -> DepreciationTerms:
    for name in ("rate", "factor"):
        if name in others:
            others[name] = Decimal(others[name])
    return DepreciationTerms(Decimal(cost), Decimal(residual), life, START, **others)


def yearly(of_terms: DepreciationTerms, anchors=None) -> list[Decimal]:
    """By how much the value falls in each year."""
    of_days = dict(values(of_terms, anchors or {}))
    at = [of_days[date(2015 + number, 1, 1)] for number in range(of_terms.life + 1)]
    return [Decimal(before - after).scaleb(-4) for before, after in pairwise(at)]


def near(value: Decimal, expected: str) -> bool:
    places = Decimal(expected).as_tuple().exponent
    return abs(value - Decimal(expected)) <= Decimal(1).scaleb(max(places, -4))


# --- figures known from elsewhere ---


def test_declining_balance_excel_db():
    falls = yearly(terms("1000000", "0", 6, method="declining", rate="0.319"))
    expected = ["319000", "217239", "147939.759", None, "68608.690574", "46722.518281"]
    assert all(near(fall, text) for fall, text in zip(falls, expected, strict=True) if text)


def test_residual_value_is_a_floor_where_excel_db_falls_below_it():
    falls = yearly(terms("1000000", "100000", 6, method="declining", rate="0.319"))
    assert near(falls[5], "46465.57")


def test_double_declining_stops_at_the_residual_value_excel_ddb():
    falls = yearly(terms("1000000", "100000", 6, method="double_declining"))
    expected = ["333333.33", None, "148148.148", "98765.432", None, "31687.2428"]
    assert all(near(fall, text) for fall, text in zip(falls, expected, strict=True) if text)


def test_sum_of_years_excel_syd():
    falls = yearly(terms(method="sum_of_years"))
    assert near(falls[0], "4090.91") and near(falls[9], "409.09")


def test_straight_line_excel_sln():
    assert set(yearly(terms())) == {Decimal(2250)}


# --- rules ---


def test_switch_changes_to_a_straight_line_when_that_gives_more():
    falls = yearly(terms("1000", "0", 5, method="double_declining", switch=True))
    assert falls == [Decimal(text) for text in ("400", "240", "144", "108", "108")]


def test_factor_is_divided_by_the_life():
    falls = yearly(terms("1000", "0", 5, method="declining", factor="1.5"))
    assert falls[:2] == [Decimal(300), Decimal(210)]


def test_year_is_spread_evenly_over_its_days():
    by_day = dict(values(terms("36500", "0", 1), {}))
    assert by_day[START] == 36_500 * EURO
    assert [by_day[date(2015, 1, 2)], by_day[date(2015, 12, 31)], by_day[date(2016, 1, 1)]] == [
        36_400 * EURO,
        100 * EURO,
        0,
    ]
    assert len(by_day) == 366


def test_year_is_spread_over_months_on_the_first_day_after_each():
    by_day = dict(values(terms("1200", "0", 1, step="month"), {}))
    assert len(by_day) == 13
    assert [by_day[date(2015, 2, 1)], by_day[date(2016, 1, 1)]] == [1100 * EURO, 0]


def test_first_year_may_have_fewer_months_and_one_more_year_has_the_others():
    by_day = dict(values(terms("1200", "0", 1, step="month", first_year_months=3), {}))
    assert max(by_day) == date(2016, 1, 1)
    by_day = dict(
        values(terms("1000", "0", 2, method="declining", rate="0.4", step="month", first_year_months=3), {})
    )
    at = [by_day[on] for on in (date(2015, 4, 1), date(2016, 4, 1), date(2017, 1, 1))]
    assert at == [900 * EURO, 540 * EURO, 378 * EURO]  # 0.4 of 3/12, of a year, of 9/12


def test_days_of_the_span_alone_are_computed():
    all_values = dict(values(terms(), {}))
    span = dict(values(terms(), {}, date(2017, 5, 3), date(2017, 5, 5)))
    assert span == {date(2017, 5, day): all_values[date(2017, 5, day)] for day in (3, 4, 5)}


# --- recorded values ---


def test_recorded_value_is_reduced_evenly_to_the_same_last_day():
    by_day = dict(values(terms("2000", "0", 2), {date(2016, 1, 1): 365 * EURO + 366 * EURO}))
    assert by_day[date(2015, 12, 31)] == 10_027_397  # as before
    assert by_day[date(2016, 1, 2)] == 731 * EURO * 365 // 366 + (731 * EURO * 365 % 366 * 2 > 366)
    assert (max(by_day), by_day[max(by_day)]) == (date(2017, 1, 1), 0)


@pytest.mark.parametrize("step", ["day", "month"])
@pytest.mark.parametrize("method", ["straight_line", "sum_of_years"])
def test_recording_the_computed_value_changes_nothing(method, step):
    # Amounts that need no rounding on that day.
    of_terms = terms("55000", "0", 10, method=method, step=step)
    plain = dict(values(of_terms, {}))
    assert dict(values(of_terms, {date(2018, 1, 1): plain[date(2018, 1, 1)]})) == plain


def test_declining_value_continues_with_the_remaining_years():
    of_terms = terms("1000", "0", 5, method="double_declining")
    at = dict(values(of_terms, {date(2016, 1, 1): 800 * EURO}))
    assert [at[date(2017, 1, 1)], at[date(2018, 1, 1)]] == [400 * EURO, 200 * EURO]  # 2/4 a year


def test_value_recorded_after_the_last_day_falls_on_the_next_one():
    by_day = dict(values(terms(life=1), {date(2020, 5, 1): 9000 * EURO}))
    assert by_day[date(2020, 5, 1)] == 9000 * EURO
    assert (max(by_day), by_day[max(by_day)]) == (date(2020, 5, 2), 7500 * EURO)


def test_value_recorded_below_the_residual_value_stays():
    by_day = dict(values(terms(), {date(2016, 1, 1): 5000 * EURO}))
    assert by_day[date(2025, 1, 1)] == 5000 * EURO


def test_value_recorded_before_the_start_changes_nothing_after_it():
    by_day = dict(values(terms(), {date(2014, 1, 1): 1 * EURO}))
    assert (by_day.pop(date(2014, 1, 1)), by_day) == (EURO, dict(values(terms(), {})))


# --- what holds for all ---


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(1, 12),
    st.sampled_from(METHODS),
    st.sampled_from(["day", "month"]),
    st.booleans(),
    st.integers(1, 12),
    st.dictionaries(st.dates(date(2014, 1, 1), date(2030, 1, 1)), st.integers(0, 10**10), max_size=2),
)
@settings(max_examples=100, deadline=None)
def test_value_falls_and_never_below_the_residual_value(
    cost, residual, life, method, step, switch, months, anchors
):
    cost, residual = max(cost, residual), min(cost, residual)
    of_terms = terms(
        str(cost), str(residual), life, method=method, step=step, switch=switch, first_year_months=months
    )
    all_values = list(values(of_terms, anchors))
    assert [on for on, _ in all_values] == sorted({on for on, _ in all_values})
    assert anchors.items() <= dict(all_values).items()
    for (_, before), (on, after) in pairwise(all_values):
        if on not in anchors and on != START:
            assert min(before, residual * EURO) <= after <= before
    if not anchors and (method in ("straight_line", "sum_of_years") or switch):
        assert all_values[-1][1] == residual * EURO


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("step", ["day", "month"])
def test_newest_value_of_a_day_is_that_of_the_series(method, step):
    of_terms = terms(method=method, step=step, first_year_months=5)
    anchors = {date(2014, 1, 1): 7, date(2017, 1, 1): 20_000 * EURO}
    series = dict(values(of_terms, anchors))
    days = [date(2015 + year, month, 17) for year in range(-2, 12) for month in (1, 6, 12)]
    expected = [max(((on, v) for on, v in series.items() if on <= day), default=None) for day in days]
    assert [newest(of_terms, anchors, day) for day in days] == expected
    assert last_day(of_terms, anchors) == max(series)
