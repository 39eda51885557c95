"""The value of a holding: quantity times the last price that counts, recorded values as prices of their day."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.valuation.formulas.market import QUANTITY_UNIT, Held, Prices, market_points

pytestmark = pytest.mark.on_sqlite

EURO = 10_000
JAN = {day: date(2026, 1, day) for day in range(1, 32)}


def points(
    held: dict[int, str], prices: dict[int, int], anchors=None, splits=None, *, denominator=1, max_age=10
) -> dict[int, int | None]:
    """Of days in January: quantities, prices in whole 1/denominator, anchors in euros."""
    days_and_amounts = market_points(
        Held([JAN[day] for day in held], [int(Fraction(text) * QUANTITY_UNIT) for text in held.values()]),
        Prices([JAN[day] for day in prices], [*prices.values()], denominator, max_age),
        {JAN[day]: euros * EURO for day, euros in (anchors or {}).items()},
        {JAN[day]: Fraction(ratio) for day, ratio in (splits or {}).items()},
    )
    return {(on - date(2025, 12, 31)).days: value for on, value in zip(*days_and_amounts, strict=True)}


def test_a_value_changes_with_the_quantity_and_with_the_price():
    assert points({2: "10", 5: "15"}, {1: 20, 3: 21}) == {
        2: 200 * EURO,
        3: 210 * EURO,
        5: 315 * EURO,
        14: None,
    }


def test_a_price_in_pence_and_a_part_of_a_share_are_rounded_once_to_the_even_neighbour():
    # 0.5 x 0.0001 = 0.00005 and 0.5 x 0.0003 = 0.00015, halfway between two ten-thousandths
    assert points({1: "0.5"}, {1: 1, 2: 3}, denominator=10_000) == {1: 0, 2: 2, 13: None}
    assert points({1: "-0.5"}, {1: 3}, denominator=10_000) == {1: -2, 12: None}


def test_before_the_first_price_and_after_the_last_one_is_too_old_there_is_no_value():
    assert points({1: "2"}, {3: 50, 20: 60}) == {1: None, 3: 100 * EURO, 14: None, 20: 120 * EURO, 31: None}
    assert points({1: "2"}, {3: 50, 14: 50}) == {1: None, 3: 100 * EURO, 14: 100 * EURO, 25: None}
    assert points({1: "2"}, {1: 50}, max_age=0) == {1: 100 * EURO, 2: None}


def test_what_is_sold_completely_is_worth_nothing_whatever_its_price():
    assert points({1: "2", 5: "0"}, {1: 50}) == {1: 100 * EURO, 5: 0}
    assert points({4: "2", 5: "0"}, {}) == {4: None, 5: 0}


def test_a_split_without_a_new_price_changes_no_value():
    assert points({1: "10", 4: "40"}, {1: 200}, splits={4: 4}) == {
        1: 2000 * EURO,
        4: 2000 * EURO,
        12: None,
    }
    assert points({1: "10", 4: "40"}, {1: 200, 4: 51}, splits={4: 4}) == {
        1: 2000 * EURO,
        4: 2040 * EURO,
        15: None,
    }


def test_an_anchor_is_the_value_of_its_day_and_a_price_until_the_next_day_with_one():
    assert points({1: "10", 4: "5"}, {1: 20, 6: 30}, {2: 300}) == {
        1: 200 * EURO,
        2: 300 * EURO,
        4: 150 * EURO,  # half is sold at the price that the anchor gives
        6: 150 * EURO,  # the price of the 6th is the same
        17: None,
    }


def test_a_price_of_the_anchors_own_day_does_not_replace_it():
    assert points({1: "10"}, {1: 20, 2: 25}, {2: 300}) == {1: 200 * EURO, 2: 300 * EURO, 13: None}


def test_an_anchor_without_a_quantity_stays_until_something_is_held():
    assert points({}, {1: 20}, {2: 300}) == {2: 300 * EURO}
    assert points({20: "1"}, {18: 20}, {2: 300}) == {2: 300 * EURO, 20: 20 * EURO, 29: None}


def by_definition(held, prices, anchors, splits, max_age, on):
    """The value of a day, looked up for this day alone. None for none, and "nothing" before the first holding."""
    begun = any(day <= on and units for day, units in held.items()) or any(day <= on for day in anchors)
    if not begun:
        return "nothing"
    if on in anchors:
        return anchors[on]

    def quantity(day):
        return next((held[other] for other in sorted(held, reverse=True) if other <= day), 0)

    if not quantity(on):
        last = max((day for day in anchors if day <= on), default=None)
        was_held = last is None or any(quantity(day) for day in (last, *held) if last <= day <= on)
        return 0 if was_held else anchors[last]
    usable = [
        day
        for day in {*prices, *anchors}
        if day <= on and ((day in prices and day not in anchors) or quantity(day))
    ]
    last = max(usable, default=None)
    if last is None or on - last > max_age:
        return None
    price = Fraction(anchors[last], quantity(last)) if last in anchors else Fraction(prices[last] * EURO)
    for day, ratio in splits.items():
        price = price / ratio if last < day <= on else price
    return round(price * quantity(on))  # half to even


DAYS = st.integers(0, 30)


@settings(max_examples=200, deadline=None)
@given(
    held=st.dictionaries(DAYS, st.integers(0, 5), max_size=5),
    prices=st.dictionaries(DAYS, st.integers(1, 40), max_size=6),
    anchors=st.dictionaries(DAYS, st.integers(0, 1000), max_size=2),
    splits=st.dictionaries(DAYS, st.sampled_from([2, 3, Fraction(1, 4)]), max_size=2),
    max_age=st.integers(0, 12),
)
def test_each_day_has_the_value_that_its_definition_gives(held, prices, anchors, splits, max_age):
    first = date(2026, 1, 1)

    def on(days):
        return {first + timedelta(day): value for day, value in sorted(days.items())}

    points = market_points(
        Held([*on(held)], [units * QUANTITY_UNIT for units in on(held).values()]),
        Prices([*on(prices)], [*on(prices).values()], 1, max_age),
        on(anchors),
        {day: Fraction(ratio) for day, ratio in on(splits).items()},
    )
    assert points.days == sorted(set(points.days))
    by_day = dict(zip(*points, strict=True))
    value = "nothing"
    for day in range(45):
        value = by_day.get(first + timedelta(day), value)
        assert value == by_definition(held, prices, anchors, splits, max_age, day), day
