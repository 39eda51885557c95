"""PriceSeries: the prices of an instrument over time, in its currency and in shares of each price's own day. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from assets.prices.conversion import Split, spans
from assets.prices.merging import adjusted_days


class YearOfDays(NamedTuple):
    """The prices of a year as they are stored, with the dates that they are of."""

    days: Sequence[date]
    numbers: Sequence[int]
    scale: int
    adjustments: str


class PriceOnDay(NamedTuple):
    """A price, and the day that it is of."""

    on: date
    price: Fraction


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """`amounts[i] / denominator` is the price of `days[i]`, exactly. The days ascend.

    A price counts on its day and for `max_age_days` after it, unless a newer one replaces it.
    """

    days: Sequence[date]
    amounts: Sequence[int]
    denominator: int
    max_age_days: int

    def last(self, on: date) -> PriceOnDay | None:
        """The last price on or before the day, however old."""
        place = bisect_right(self.days, on) - 1
        if place < 0:
            return None
        return PriceOnDay(self.days[place], Fraction(self.amounts[place], self.denominator))

    def at(self, on: date) -> PriceOnDay | None:
        """The price that counts on the day; None where the last one is too old."""
        last = self.last(on)
        return last if last is not None and (on - last.on).days <= self.max_age_days else None


def series_of(
    years: Sequence[YearOfDays],
    start: date,
    end: date,
    *,
    unit: Fraction,
    splits: Sequence[Split],
    max_age_days: int,
) -> PriceSeries | None:
    """The series from the last price on or before `start` up to `end`; None where there is no price in it.

    `unit` is what one quoted unit is in the currency.
    """
    scale = max((year.scale for year in years), default=0)
    days: list[date] = []
    amounts: list[int] = []
    for year in years:
        days += year.days
        if year.scale == scale:
            amounts += year.numbers
        else:
            factor = 10 ** (scale - year.scale)
            amounts += [number * factor for number in year.numbers]
    first, last = max(bisect_right(days, start) - 1, 0), bisect_right(days, end)
    if first >= last:
        return None
    adjusted_to = adjustments_of(years)[first:last] if splits else []
    days, amounts = days[first:last], amounts[first:last]
    denominator = 10**scale * unit.denominator
    if any(adjusted_to):
        amounts, factor = in_own_shares(days, amounts, splits, adjusted_to)
        denominator *= factor
    if unit.numerator != 1:
        amounts = [amount * unit.numerator for amount in amounts]
    return PriceSeries(days, amounts, denominator, max_age_days)


def adjustments_of(years: Sequence[YearOfDays]) -> list[int]:
    return [day for year in years for day in adjusted_days(year.adjustments, len(year.days))]


def in_own_shares(
    days: Sequence[date], amounts: Sequence[int], splits: Sequence[Split], adjusted_to: Sequence[int]
) -> tuple[list[int], int]:
    """The prices in shares of their own days, over one further denominator."""
    ordinals = [on.toordinal() for on in days]
    ratios = spans(splits, ordinals, adjusted_to)
    denominator = lcm(*(ratio.denominator for _, ratio in ratios))
    converted: list[int] = []
    first = 0
    for until, ratio in ratios:
        factor = ratio.numerator * (denominator // ratio.denominator)
        converted += [amount * factor for amount in amounts[first:until]]
        first = until
    return converted, denominator
