"""Prices are encoded, merged, converted and planned exactly: the pure parts of assets.prices."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.prices.codec import encode, numbers_in, ordinals_in
from assets.prices.conversion import NOT_ADJUSTED, Split, ratio_to_newest, ratio_to_own_day, spans
from assets.prices.merging import (
    YearOfPrices,
    adjusted_days,
    adjustments_text,
    merged,
    packed,
    unpacked,
)
from assets.prices.planning import Jump, plan
from assets.prices.series import YearOfDays, series_of
from assets.prices.store import NO_PRICES
from tests.steps import steps_during

pytestmark = pytest.mark.on_sqlite  # no database can change it

YEAR = 2024  # a leap year
FIRST = date(YEAR, 1, 1).toordinal()


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


# --- the codec ---


@given(
    st.dictionaries(
        st.integers(0, 365), st.one_of(st.integers(1, 10**6), st.integers(1, 10**38 - 1)), min_size=1
    )
)
def test_encoded_prices_are_read_back(prices):
    days, numbers = zip(*sorted(prices.items()), strict=True)
    block = encode(YEAR, [FIRST + on for on in days], numbers, 18)
    assert ordinals_in(YEAR, block.first_day, block.days) == tuple(FIRST + on for on in days)
    assert tuple(numbers_in(block.width, block.prices)) == numbers


@pytest.mark.parametrize(("most", "width"), [(2**31 - 1, 4), (2**31, 8), (2**63, 16)])
def test_numbers_are_as_wide_as_the_largest_needs(most, width):
    block = encode(YEAR, [FIRST, FIRST + 1], [1, most], 2)
    assert (block.width, len(block.prices)) == (width, 2 * width)


def test_a_year_of_weekdays_takes_less_than_5_bytes_a_price():
    ordinals = [on for on in range(FIRST, FIRST + 366) if date.fromordinal(on).weekday() < 5]
    block = encode(YEAR, ordinals, [12_345_678] * len(ordinals), 4)
    assert len(block.days) + len(block.prices) < 5 * len(ordinals)


# --- which price counts ---


def test_a_later_block_replaces_the_days_that_it_has():
    first = encode(YEAR, [FIRST, FIRST + 1, FIRST + 9], [100, 200, 300], 2)
    later = encode(YEAR, [FIRST + 1, FIRST + 2], [25, 26], 1)
    result = merged(YEAR, [(first, NOT_ADJUSTED), (later, FIRST + 20)])
    assert list(result.ordinals) == [FIRST, FIRST + 1, FIRST + 2, FIRST + 9]
    assert [Fraction(number, 10**result.scale) for number in result.numbers] == [
        1,
        Fraction(5, 2),
        Fraction(13, 5),
        3,
    ]
    assert result.adjusted_to == [0, FIRST + 20, FIRST + 20, 0]


def test_a_pack_has_the_fewest_places_that_hold_all_prices():
    pack = packed(YearOfPrices(YEAR, [FIRST, FIRST + 1], [1200, 3450], 3, [0, 0]))
    assert (pack.encoded.scale, pack.adjustments) == (2, "")
    assert list(unpacked(pack).numbers) == [120, 345]


@pytest.mark.parametrize(
    ("days", "text"), [([0, 0], ""), ([0, 0, 7], "2:,1:7"), ([7, 8, 8], "1:7,2:8"), ([7, 0], "1:7,1:")]
)
def test_adjustments_are_kept_as_runs(days, text):
    assert adjustments_text(days) == text
    assert adjusted_days(text, len(days)) == days


# --- splits ---

APPLE = [Split(day("2014-06-09"), 7, 1), Split(day("2020-08-31"), 4, 1)]


@pytest.mark.parametrize(
    ("on", "adjusted_to", "ratio"),
    [
        ("2014-06-06", "2026-01-01", 28),
        ("2014-06-09", "2026-01-01", 4),  # from its day on, a split is in the price already
        ("2020-08-28", "2026-01-01", 4),
        ("2020-08-31", "2026-01-01", 1),
        ("2014-06-06", "2020-08-30", 7),  # divided before the second split
        ("2014-06-06", "2020-08-31", 28),
    ],
)
def test_an_adjusted_price_is_converted_by_the_splits_up_to_the_day_of_the_feed(on, adjusted_to, ratio):
    assert ratio_to_own_day(APPLE, day(on), day(adjusted_to)) == ratio


def test_a_price_that_is_not_adjusted_stays():
    assert ratio_to_own_day(APPLE, day("2014-06-06"), NOT_ADJUSTED) == 1


@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9), st.integers(1, 9)), unique_by=lambda s: s[0]),
    st.integers(1, 99),
    st.integers(0, 99),
)
def test_both_ratios_agree(splits, on, adjusted_to):
    """In the newest shares a price is worth the same, whether the feed has divided it or not."""
    listed = [Split(*split) for split in splits]
    in_own_shares = ratio_to_own_day(listed, on, adjusted_to)
    from_there = ratio_to_newest(listed, on, NOT_ADJUSTED)
    assert in_own_shares * from_there == ratio_to_newest(listed, on, adjusted_to)


@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9), st.integers(1, 9))),
    st.lists(st.tuples(st.integers(1, 99), st.integers(0, 99)), min_size=1),
)
def test_spans_have_the_ratio_of_each_price(splits, prices):
    listed, prices = [Split(*split) for split in splits], sorted(prices)
    ratios = []
    for until, ratio in spans(listed, *zip(*prices, strict=True)):
        ratios += [ratio] * (until - len(ratios))
    assert ratios == [ratio_to_own_day(listed, *price) for price in prices]


def test_the_ratios_of_a_thousand_splits_take_a_thousand_products():
    """They were multiplied again for each of the thousand times between two of them."""
    splits = [Split(on, 1_000_003 + on, 1_000_003 - on) for on in range(1, 1001)]
    ordinals = range(2000)

    def steps(number: int) -> int:
        return steps_during(lambda: spans(splits[:number], ordinals, [5000] * 2000))[1]

    assert steps(1000) < 3 * steps(500)


# --- series ---


def series(*years, start="2024-01-01", end="2024-12-31", unit=Fraction(1), splits=()):
    begin, last = date.fromisoformat(start), date.fromisoformat(end)
    return series_of(years, begin, last, unit=unit, splits=splits, max_age_days=10)


def year_of(prices: dict[str, int], scale=2, adjustments=""):
    return YearOfDays([*map(date.fromisoformat, prices)], [*prices.values()], scale, adjustments)


def prices_of(result):
    return {
        on.isoformat(): Fraction(a, result.denominator)
        for on, a in zip(result.days, result.amounts, strict=True)
    }


def test_a_series_begins_with_the_last_price_on_or_before_its_start():
    year = year_of({"2023-12-01": 100, "2023-12-29": 200, "2024-01-02": 300, "2025-01-02": 400})
    assert prices_of(series(year)) == {"2023-12-29": 2, "2024-01-02": 3}


def test_a_series_is_in_the_currency():
    year = year_of({"2024-01-02": 12345})
    assert prices_of(series(year, unit=Fraction(1, 100))) == {"2024-01-02": Fraction(12345, 10_000)}


def test_years_of_different_places_are_joined():
    joined = series(year_of({"2023-12-29": 25}, scale=1), year_of({"2024-01-02": 2500}, scale=3))
    assert prices_of(joined) == {"2023-12-29": Fraction(5, 2), "2024-01-02": Fraction(5, 2)}


def test_a_series_is_in_shares_of_each_day():
    until = day("2024-12-31")
    year = year_of({"2024-01-02": 100, "2024-07-01": 110, "2024-12-30": 120}, adjustments=f"2:{until},1:")
    splits = [Split(day("2024-06-01"), 3, 2), Split(day("2024-08-01"), 1, 7)]
    assert prices_of(series(year, splits=splits)) == {
        "2024-01-02": Fraction(3, 14),
        "2024-07-01": Fraction(110, 700),
        "2024-12-30": Fraction(6, 5),
    }


def test_a_price_counts_for_its_number_of_days():
    result = series(year_of({"2024-01-02": 100}))
    assert result.at(date(2024, 1, 12)).price == 1
    assert result.at(date(2024, 1, 13)) is None
    assert result.last(date(2024, 1, 13)).on == date(2024, 1, 2)
    assert result.last(date(2024, 1, 1)) is None


# --- what becomes of new prices ---


def planned(new: dict[str, int], stored: dict[str, int] | None = None, **options):
    rows = [(day(on), row, number, 2) for row, (on, number) in enumerate(new.items())]
    days = [*map(day, stored or {})]
    prices = YearOfPrices(0, days, [*(stored or {}).values()], 2, [0] * len(days)) if stored else NO_PRICES
    options = {"splits": (), "adjusted_to": NOT_ADJUSTED, "accept_jumps": False} | options
    return plan(rows, prices, options.pop("splits"), **options)


def counts(new_plan):
    return new_plan.created, new_plan.replaced, new_plan.skipped


def test_new_replaced_and_same_prices_are_told_apart():
    new_plan = planned(
        {"2024-01-02": 100, "2024-01-03": 210, "2024-01-04": 300}, {"2024-01-02": 100, "2024-01-03": 200}
    )
    assert counts(new_plan) == (1, 1, 1)
    (year,) = new_plan.years
    assert (list(year.ordinals), list(year.numbers)) == ([day("2024-01-03"), day("2024-01-04")], [210, 300])


def test_the_later_row_of_a_day_is_the_duplicate():
    rows = [(day("2024-01-02"), 5, 100, 0), (day("2024-01-02"), 3, 101, 0)]
    new_plan = plan(rows, NO_PRICES, (), adjusted_to=0, accept_jumps=False)
    assert (new_plan.duplicates, counts(new_plan)) == ([(5, 3)], (1, 0, 0))


@pytest.mark.parametrize(("price", "is_jump"), [(9_999, False), (10_000, True), (2, False), (1, True)])
def test_a_price_a_hundred_times_off_jumps(price, is_jump):
    new_plan = planned({"2024-01-03": price}, {"2024-01-02": 100})
    assert new_plan.jumps == ([Jump(0, day("2024-01-02"))] if is_jump else [])
    assert counts(new_plan) == ((0, 0, 0) if is_jump else (1, 0, 0))


def test_a_jump_is_looked_for_against_the_last_accepted_price():
    new_plan = planned({"2024-01-02": 100, "2024-01-03": 10_000, "2024-01-04": 101, "2024-01-05": 10_200})
    assert [row for row, _ in new_plan.jumps] == [1, 3]


def test_the_first_price_is_compared_with_the_one_after_it():
    assert [row for row, _ in planned({"2024-01-02": 1}, {"2024-01-03": 100, "2024-01-04": 1}).jumps] == [0]


def test_a_stored_price_after_the_new_one_does_not_count_where_there_is_one_before():
    assert not planned({"2024-01-03": 100}, {"2024-01-02": 101, "2024-01-04": 99_999}).jumps


def test_a_jump_may_be_accepted_and_is_no_jump_when_it_comes_again():
    assert counts(planned({"2024-01-03": 10_000}, {"2024-01-02": 100}, accept_jumps=True)) == (1, 0, 0)
    again = planned({"2024-01-03": 10_000}, {"2024-01-02": 100, "2024-01-03": 10_000})
    assert counts(again) == (0, 0, 1)


def test_a_split_is_no_jump():
    """200 for 1: the price falls to a two-hundredth."""
    splits = [Split(day("2024-01-03"), 200, 1)]
    assert not planned({"2024-01-03": 100}, {"2024-01-02": 20_000}, splits=splits).jumps
    assert planned({"2024-01-03": 100}, {"2024-01-02": 20_000}).jumps


def test_the_same_price_from_an_adjusted_feed_is_skipped():
    splits = [Split(day("2024-06-03"), 4, 1)]
    new = {"2024-01-02": 100, "2024-06-03": 100}
    stored = {"2024-01-02": 400, "2024-06-03": 100}
    assert counts(planned(new, stored, splits=splits, adjusted_to=day("2024-12-31"))) == (0, 0, 2)


def test_prices_are_written_by_year_with_the_places_that_each_needs():
    rows = [(day("2023-12-29"), 0, 5, 0), (day("2024-01-02"), 1, 5125, 3)]
    new_plan = plan(rows, NO_PRICES, (), adjusted_to=NOT_ADJUSTED, accept_jumps=False)
    assert [(year.year, list(year.numbers), year.scale) for year in new_plan.years] == [
        (2023, [5], 0),
        (2024, [5125], 3),
    ]


@given(
    st.dictionaries(st.integers(0, 900), st.integers(1, 10**12)),
    st.dictionaries(st.integers(0, 900), st.integers(1, 10**12), min_size=1),
)
def test_every_row_has_one_outcome(stored, new):
    before = sorted(stored.items())
    prices = YearOfPrices(0, [FIRST + on for on, _ in before], [n for _, n in before], 2, [0] * len(before))
    rows = [(FIRST + on, row, number, 2) for row, (on, number) in enumerate(new.items())]
    new_plan = plan(rows, prices, (), adjusted_to=NOT_ADJUSTED, accept_jumps=False)
    assert sum(counts(new_plan)) + len(new_plan.jumps) == len(new)
    written = {on for year in new_plan.years for on in year.ordinals}
    assert len(written) == new_plan.created + new_plan.replaced
    assert new_plan.replaced == len(written & {FIRST + on for on in stored})
