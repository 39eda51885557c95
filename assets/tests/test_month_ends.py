"""Totals on the ends of months are the same from the last value of each month as from all values."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from assets import valuation
from assets.valuation import reading
from assets.valuation.reading import drop_zeros, from_month_ends, from_values_in_sql
from assets.valuation.series import Totals, ValueSeries, fold
from assets.valuation.totals import month_ends
from portfolios.models import Household, Portfolio
from strata.audit import clock
from tests.factories import add_value, create_asset, day
from tests.fake_source import FakeSource, registered

ENDS = [date(2024, month, monthrange(2024, month)[1]) for month in range(1, 6)]
FIRST, LAST = date(2024, 1, 10), date(2024, 6, 12)
DAYS = [FIRST, *ENDS, LAST]
WEEKS = [day(number) for number in range(0, 70, 7)]
SPAN = 170  # days of the values, from the first of January on


@st.composite
def value_series(draw):
    numbers = sorted(draw(st.sets(st.integers(0, SPAN), max_size=9)))
    disposed = draw(st.none() | st.integers(0, SPAN))
    return ValueSeries(
        draw(st.sampled_from(["EUR", "USD"])),
        [day(number) for number in numbers],
        [draw(st.none() | st.integers(-3, 3)) for _ in numbers],
        None if disposed is None else day(disposed),
    )


def from_last_values(assets, days):
    """As from_month_ends, of series in memory."""
    ends = [on for on in days if month_ends.is_end(on)]
    rows = []
    for keys, series in assets:
        dated = zip(series.days, series.values, strict=True)
        last = {
            month: [*of_month][-1][1] for month, of_month in groupby(dated, lambda v: v[0].replace(day=1))
        }
        values = month_ends.values_on_ends([*last], [*last.values()], ends, series.disposed_on)
        rows.append((keys, series.currency, values))
    others = [fold(assets, [on]) for on in days if not month_ends.is_end(on)]
    return month_ends.joined([month_ends.totals_of_values(rows, ends), *others], days)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([(), ("a",), ("a", "b")]), value_series()), max_size=5),
    st.sampled_from([DAYS, ENDS, ENDS[1:], [*ENDS, LAST], [FIRST, *ENDS], ENDS[:1]]),
)
def test_last_values_of_months_give_what_all_values_give(assets, days):
    assert drop_zeros(from_last_values(assets, days)) == drop_zeros(fold(assets, days))


def test_debt_and_asset_of_one_group_are_apart():
    rows = [(("a",), "EUR", [5, -2, 0]), (("a",), "EUR", [-1, -1, 4])]
    column = month_ends.totals_of_values(rows, ENDS[:3]).columns[("a",), "EUR"]
    assert column.owned == (5, 0, 4)
    assert column.owed == (-1, -3, 0)


def test_days_are_in_their_order_again():
    parts = [
        fold([((), ValueSeries("EUR", [on], [number]))], [on]) for number, on in enumerate(DAYS, start=1)
    ]
    totals = month_ends.joined([*parts[1::2], *parts[::2]], DAYS)
    assert totals.days == tuple(DAYS)
    assert totals.columns[(), "EUR"].owned == (1, 2, 3, 4, 5, 6, 7)
    assert month_ends.joined([Totals((ENDS[0],), {})], ENDS[:1]).columns == {}


@pytest.mark.parametrize(
    "days, are_ends",
    [
        (DAYS, True),
        (ENDS, True),
        (ENDS[:2], True),
        (ENDS[:1], False),
        ([ENDS[0], LAST], False),
        ([FIRST, day(12), *ENDS, LAST], False),
        ([date(2024, 12, 31), date(2025, 12, 31)], True),
        ([date(2020, 12, 31), date(2025, 12, 31)], False),
        ([date(9999, 11, 30), date.max], True),
        (WEEKS, False),
    ],
)
def test_ends_of_months_but_for_two_days_and_not_too_far_apart(days, are_ends):
    assert month_ends.are_ends(days) is are_ends


@pytest.mark.parametrize("days, reader", [(DAYS, "MONTH_ENDS"), (ENDS, "MONTH_ENDS"), (WEEKS, "GRID")])
def test_ends_of_months_are_read_from_derived_data_alone(days, reader):
    assert reading.choose_reader(days, as_totals=True) is reading.Reader[reader]
    assert reading.choose_reader(days, as_totals=True, derived=False) is reading.Reader.GRID
    with clock.set_back(datetime(2024, 6, 1, tzinfo=UTC)):
        assert reading.choose_reader(days, as_totals=True) is reading.Reader.GRID


VALUES = st.lists(
    st.tuples(st.integers(0, SPAN), st.integers(0, 23), st.integers(-3, 3)),
    max_size=8,
    unique_by=lambda value: value[:2],
)
ASSETS = st.lists(
    st.tuples(st.sampled_from(["EUR", "USD"]), st.none() | st.integers(0, SPAN), VALUES), max_size=4
)


class MonthEndsAndGrid(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(ASSETS, st.sampled_from([DAYS, ENDS[1:], [*ENDS, LAST]]))
    def test_agree(self, assets, days):
        portfolio = Portfolio.objects.create(
            household=Household.objects.create(name="H"), name="P", time_zone="UTC"
        )
        for currency, gone, values in assets:
            disposed_on = None if gone is None else day(gone)
            asset = create_asset(portfolio, currency=currency, disposed_on=disposed_on)
            for on, hour, value in values:
                add_value(asset, value, day(on), hour=hour)
        for group_by in (None, "asset"):
            refs = valuation.asset_refs([portfolio.pk], group_by, {})
            grid, ends = (drop_zeros(read(refs, days)) for read in (from_values_in_sql, from_month_ends))
            assert grid == ends


@pytest.mark.django_db
def test_month_that_lost_its_values_counts_the_one_before(portfolio):
    asset = create_asset(portfolio)
    add_value(asset, 7, day(3))
    add_value(asset, 9, day(40)).delete()
    totals = valuation.totals_on([portfolio.pk], ENDS, group_by="asset")
    assert totals.columns[(asset.pk,), "EUR"].owned == (70_000,) * 5


@pytest.mark.django_db
@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "computed"])
def test_asset_of_another_source_counts_too_with_its_gaps(portfolio, is_stored):
    add_value(create_asset(portfolio, "House"), 7, day(3))
    other = create_asset(portfolio, "Other")
    source = FakeSource(is_stored=is_stored)
    with registered(source):
        source.value_assets({other.pk: {day(4): 10, day(50): None, day(70): -20, day(SPAN): 30}})
        by_ends, by_values = (
            valuation.totals_on([portfolio.pk], DAYS, group_by="asset", derived=derived)
            for derived in (True, False)
        )
        assert by_ends == by_values
        assert by_ends.columns[(other.pk,), "EUR"].owned == (10, 10, 0, 0, 0, 0, 0)
        assert by_ends.columns[(other.pk,), "EUR"].owed == (0, 0, 0, -20, -20, -20, -20)


@pytest.mark.django_db
def test_number_of_queries_is_fixed(portfolio, django_assert_num_queries):
    for number in range(5):
        add_value(create_asset(portfolio, f"A{number}"), number, day(number))
    assert reading.choose_reader(DAYS, as_totals=True) is reading.Reader.MONTH_ENDS
    with django_assert_num_queries(5):  # assets, categories, ends of months, the first and the last day
        valuation.totals_on([portfolio.pk], DAYS, group_by="category")
