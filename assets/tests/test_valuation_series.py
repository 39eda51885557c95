"""Value on a day, running totals by fold, by deltas and by grid, and totals in one currency."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.rates.book import Rate, RateBook
from assets.valuation.codecs.deltas import by_month, encode_deltas, total
from assets.valuation.protocol import Gap
from assets.valuation.series import (
    Missing,
    Snapshot,
    Totals,
    ValueSeries,
    added_up,
    convert_total,
    deltas_of,
    fold,
    grid_totals,
    money,
    series_from_snapshots,
    ten_thousandths,
    value_on,
)
from assets.valuation.totals.delta_totals import MonthOfDeltas, running_totals
from tests.factories import day

pytestmark = pytest.mark.on_sqlite


def snapshot(on: int, value: str, *, hour: int = 12, sequence: int = 0) -> Snapshot:
    instant = datetime(2024, 1, 1, hour, tzinfo=UTC) + timedelta(days=on)
    return Snapshot(day(on), instant, Decimal(value), sequence)


# --- one asset on one day ---


def test_value_is_the_newest_on_or_before_the_day():
    snapshots = [snapshot(5, "20"), snapshot(2, "10")]
    values = [value_on(snapshots, day(number)) for number in (1, 2, 4, 5, 500)]
    assert values == [None, 10, 10, 20, 20]


def test_later_instant_of_a_day_wins_then_the_later_written():
    early, late = snapshot(1, "10", hour=8), snapshot(1, "20", hour=20)
    assert value_on([late, early], day(1)) == 20
    first, second = snapshot(1, "1", sequence=1), snapshot(1, "2", sequence=2)
    assert value_on([second, first], day(1)) == 2


def test_later_day_wins_over_a_later_instant():
    """The day is in the portfolio's time zone; an instant that contradicts it does not change the day."""
    assert (
        value_on([snapshot(1, "10"), Snapshot(day(2), datetime(2020, 1, 1, tzinfo=UTC), Decimal(20))], day(2))
        == 20
    )


def test_value_is_zero_from_the_disposal_on_and_stays_what_it_was_before():
    snapshots = [snapshot(1, "10"), snapshot(9, "30")]
    values = [value_on(snapshots, day(number), disposed_on=day(5)) for number in (0, 4, 5, 9, 10)]
    assert values == [None, 10, 0, 0, 0]


def test_disposal_gives_no_value_to_what_never_had_one():
    assert value_on([], day(9), disposed_on=day(5)) is None
    assert value_on([snapshot(7, "10")], day(6), disposed_on=day(5)) is None
    assert value_on([snapshot(7, "10")], day(7), disposed_on=day(5)) == 0


def test_first_day_is_none_where_every_value_comes_after_the_disposal():
    assert series_from_snapshots([snapshot(3, "1")], currency="EUR").first_on == day(3)
    assert series_from_snapshots([snapshot(3, "1")], currency="EUR", disposed_on=day(4)).first_on == day(3)
    assert series_from_snapshots([snapshot(3, "1")], currency="EUR", disposed_on=day(3)).first_on is None
    assert ValueSeries("EUR").first_on is None


def test_series_of_unequal_lists_is_refused():
    with pytest.raises(ValueError, match="2 days with 1 values"):
        ValueSeries("EUR", (day(0), day(1)), (Decimal(1),))


def test_whole_number_counts_ten_thousandths():
    assert ten_thousandths(Decimal("-12.3456")) == -123456
    assert ten_thousandths(-123456) == -123456
    assert money(123456) == money(Decimal("12.3456")) == Decimal("12.3456")
    with pytest.raises(ValueError, match="at most 4 places"):
        ten_thousandths(Decimal("0.00001"))


# --- many assets on a row of days ---


def test_fold_adds_up_by_currency_and_group_on_every_day():
    account = ValueSeries("EUR", [day(0), day(2)], [Decimal(100), Decimal("150.50")])
    loan = ValueSeries("EUR", [day(1)], [Decimal(-80)], day(3))
    dollars = ValueSeries("USD", [day(1)], [Decimal(7)])
    totals = fold([(("a",), account), (("a",), loan), (("b",), dollars)], [day(n) for n in range(4)])
    assert totals.columns[("a",), "EUR"].owned == (1000000, 1000000, 1505000, 1505000)
    assert totals.columns[("a",), "EUR"].owed == (0, -800000, -800000, 0)
    assert totals.columns[("b",), "USD"].owned == (0, 70000, 70000, 70000)


def test_account_that_is_overdrawn_changes_sides():
    account = ValueSeries("EUR", [day(0), day(1), day(2)], [Decimal(10), Decimal(-5), Decimal(3)])
    column = fold([((), account)], [day(n) for n in range(3)]).columns[(), "EUR"]
    assert (column.owned, column.owed) == ((100000, 0, 30000), (0, -50000, 0))


def test_asset_of_two_groups_stands_in_one_column():
    totals = fold([(("red", "blue"), ValueSeries("EUR", [day(0)], [Decimal(1)]))], [day(0)])
    assert totals.overlap
    assert list(totals.columns) == [(("red", "blue"), "EUR")]


def test_no_days_make_no_totals():
    series = ValueSeries("EUR", [day(0)], [Decimal(1)])
    assert fold([((), series)], []).columns[(), "EUR"].owned == ()


amounts = st.decimals(-1000, 1000, places=4)


@st.composite
def value_series(draw):
    days = sorted(draw(st.sets(st.integers(0, 30), max_size=6)))
    disposed = draw(st.none() | st.integers(0, 32))
    return ValueSeries(
        draw(st.sampled_from(["EUR", "USD"])),
        [day(number) for number in days],
        [draw(amounts) for _ in days],
        None if disposed is None else day(disposed),
    )


def months_of(assets):
    """The deltas of each asset as months, each a row of its own."""
    for keys, series in assets:
        deltas = {
            on: (ten_thousandths(owned), ten_thousandths(owed), 0)
            for on, _, _, owned, owed in deltas_of(keys, series)
        }
        for month, by_day in by_month(deltas):
            encoded = encode_deltas(by_day)
            yield keys, series.currency, MonthOfDeltas(month, *total(by_day.values()), *encoded[:3])


assets_in_groups = st.lists(
    st.tuples(st.sampled_from([(), ("a",), ("b",), ("a", "b")]), value_series()), max_size=5
)
rows_of_days = st.sets(st.integers(-2, 35), max_size=12).map(
    lambda numbers: [day(n) for n in sorted(numbers)]
)


@settings(max_examples=300, deadline=None)
@given(assets_in_groups, rows_of_days)
def test_fold_deltas_and_grid_agree_and_equal_the_values_one_by_one(assets, days):
    folded = fold(assets, days)
    summed = running_totals(months_of(assets), days) if days else folded
    values = [(on, keys, series.currency, series.value_on(on)) for on in days for keys, series in assets]
    grid = grid_totals([row for row in values if row[3] is not None], days)

    for key in folded.columns:
        for number, on in enumerate(days):
            seen = [ten_thousandths(row[3] or 0) for row in values if (row[0], (row[1], row[2])) == (on, key)]
            expected = (sum(v for v in seen if v > 0), sum(v for v in seen if v < 0))
            for totals in (folded, summed, grid):
                column = totals.columns.get(key)
                owned_owed = (column.owned[number], column.owed[number]) if column else (0, 0)
                assert owned_owed == expected


@given(assets_in_groups, rows_of_days)
def test_ten_thousandths_give_what_decimals_give(assets, days):
    as_stored = [
        (keys, ValueSeries(p.currency, p.days, [ten_thousandths(v) for v in p.values], p.disposed_on))
        for keys, p in assets
    ]
    assert fold(as_stored, days) == fold(assets, days)


def test_sums_beyond_one_integer_are_exact():
    rich = [((), ValueSeries("EUR", [day(0)], [Decimal("99999999999999.9999")])) for _ in range(3000)]
    assert fold(rich, [day(0)]).columns[(), "EUR"].owned == (999999999999999999 * 3000,)


# --- several currencies in one ---


def test_converted_total_leaves_out_and_names_what_has_no_rate():
    rates = RateBook([Rate("USD", day(0), Decimal("1.25"))])
    amounts = {"EUR": Decimal(1), "USD": Decimal(5), "CHF": Decimal(3), "GBP": Decimal(0)}
    total = convert_total(amounts, "EUR", on=day(0), rates=rates)
    assert (total.value, total.complete) == (Fraction(5), False)
    assert total.missing == (Missing("CHF", day(0), Decimal(3)),)


def test_converted_total_in_a_currency_without_a_rate_is_what_is_in_it():
    amounts = {"EUR": Decimal(1), "CHF": Decimal(3)}
    total = convert_total(amounts, "CHF", on=day(0), rates=RateBook([]))
    assert (total.value, total.missing) == (3, (Missing("CHF", day(0), Decimal(1), "EUR"),))


def test_gaps_of_totals_that_are_added_up_are_in_order():
    first, second = (Gap(UUID(int=number), day(number), None) for number in (1, 2))
    later, earlier = (Totals((day(9),), {}, (gap,)) for gap in (second, first))
    assert added_up(later, earlier).gaps == (first, second)
