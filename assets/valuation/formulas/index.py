"""The value of what follows an index: its last recorded value times how the index has changed since. Pure and exact."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from assets.valuation.formulas.market import (
    MONEY_UNIT,
    QUANTITY_UNIT,
    Held,
    Points,
    Prices,
    market_points,
)

type Anchor = tuple[date, int]  # a day, ten-thousandths


def index_points(prices: Prices, anchors: Sequence[Anchor]) -> Points:
    """A point on each day with a recorded value or a new index, and where the index becomes too old.

    The value is anchor x index(day) / index(anchor's day), rounded half to even. Where no index counts on the anchor's
    day, there is no value after that day, up to the next anchor. `anchors` ascend, one a day.
    """
    points = Points([], [])
    for (on, amount), (until, _) in pairwise([*anchors, (date.max, 0)]):
        for day, value in zip(*_after(prices, on, amount, until), strict=True):
            if day < until:
                points.days.append(day)
                points.amounts.append(value)
    return points


def _after(prices: Prices, on: date, amount: int, until: date) -> Points:
    """The points from an anchor on. It is held as if so many shares of the index were bought for it."""
    place = bisect_right(prices.days, on) - 1
    if not amount:
        return Points([on], [0])
    if place < 0 or (on - prices.days[place]).days > prices.max_age_days:
        return Points([on, on + timedelta(1)], [amount, None])
    later = slice(place, bisect_left(prices.days, until))
    of_anchor = prices._replace(days=prices.days[later], amounts=prices.amounts[later])
    index = Fraction(prices.amounts[place], prices.denominator)
    return market_points(Held([on], [Fraction(amount * QUANTITY_UNIT) / (MONEY_UNIT * index)]), of_anchor)
