"""Growth: a value that rises (or falls) by a yearly rate from the last recorded value on, without end.

After k whole periods it is value x (1 + rate / periods a year)^k. Inside of a period it is linear by days.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from itertools import accumulate, count, pairwise, repeat
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import LARGEST, add_months, line

SIMPLE, DAILY = "simple", "daily"
PERIODS_A_YEAR = {SIMPLE: 1, "yearly": 1, "half_yearly": 2, "quarterly": 4, "monthly": 12, DAILY: 365}
LAST_DAY = date(2200, 12, 31)  # of the calendar, as in strata.fields.dates
# Far more digits than are shown: 73,000 powers of a daily rate, written out, would have millions of them.
POWERS = Context(prec=60)
EXACT = Context(prec=100)  # the digits of a power and of an amount of money together


class GrowthTerms(NamedTuple):
    """`rate` is yearly and nominal, as a fraction of 1. `simple` adds the same amount each year."""

    rate: Decimal
    compounding: str = "yearly"


def values(
    terms: GrowthTerms, anchors: Mapping[date, int], start: date, end: date
) -> Iterator[tuple[date, int]]:
    """(day, ten-thousandths) for each day of the span from the first recorded value on."""
    begins = sorted(anchors.items())
    untils = [on - timedelta(1) for on, _ in begins[1:]] + [LAST_DAY]
    for (on, value), until in zip(begins, untils, strict=True):
        first, last = max(start, on), min(end, until)
        if first <= last:
            grow = grown_by_day if terms.compounding == DAILY else grown
            yield from grow(terms, on, value, first, last)


def newest(terms: GrowthTerms, anchors: Mapping[date, int], on: date) -> tuple[date, int] | None:
    """The last of these on or before the day; None before the first recorded value."""
    recorded = max((day for day in anchors if day <= on), default=None)
    if recorded is None:
        return None
    days = (on - recorded).days
    if point := next(values(terms, anchors, on, on), None):
        return point
    # It has become too large before.
    ended = bisect_left(
        range(days), True, key=lambda n: not [*values(terms, anchors, *[recorded + timedelta(n)] * 2)]
    )
    return next(values(terms, anchors, *[recorded + timedelta(ended - 1)] * 2))


def grown(terms: GrowthTerms, on: date, value: int, first: date, last: date) -> Iterator[tuple[date, int]]:
    """The values of these days, from a value recorded `on`, up to the period in which they become too large."""
    for (period_on, before), (next_on, after) in pairwise(periods(terms, on, value, first)):
        if period_on > last:
            return
        if abs(after) >= LARGEST:
            if first == on == period_on:
                yield on, value
            return
        days = (next_on - period_on).days
        value_after = line(before, after, days)
        for day in range(max((first - period_on).days, 0), min((last - period_on).days + 1, days)):
            yield period_on + timedelta(day), value_after(day)


def grown_by_day(
    terms: GrowthTerms, on: date, value: int, first: date, last: date
) -> Iterator[tuple[date, int]]:
    """The same where each day is a period: nothing is between two of them."""
    amounts = (EXACT.multiply(value, times) for times in powers(terms, (first - on).days))
    for number, (amount, after) in enumerate(pairwise(amounts)):
        day = first + timedelta(number)
        if day > last:
            return
        if abs(after) >= LARGEST:
            if day == on:
                yield on, value
            return
        yield day, int(amount.to_integral_value(ROUND_HALF_EVEN))


def periods(terms: GrowthTerms, on: date, value: int, first: date) -> Iterator[tuple[date, Fraction]]:
    """The beginning and the value of each period, from the one that has the day `first` on."""
    start = _number_of_period(terms, on, first)
    for number, times in zip(count(start), factors(terms, start), strict=False):
        yield _beginning(terms, on, number), value * Fraction(times)


def _number_of_period(terms: GrowthTerms, on: date, day: date) -> int:
    months = 12 // PERIODS_A_YEAR[terms.compounding]
    number = max(((day.year - on.year) * 12 + day.month - on.month) // months, 0)
    return number if _beginning(terms, on, number) <= day else number - 1


def _beginning(terms: GrowthTerms, on: date, number: int) -> date:
    return add_months(on, number * (12 // PERIODS_A_YEAR[terms.compounding]))


def factors(terms: GrowthTerms, start: int) -> Iterator[Fraction | Decimal]:
    """What the value is multiplied by after `start` periods and after each further one; never below zero."""
    if terms.compounding == SIMPLE:
        return (max(1 + Fraction(terms.rate) * number, Fraction(0)) for number in count(start))
    return powers(terms, start)


def powers(terms: GrowthTerms, start: int) -> Iterator[Decimal]:
    """The same where interest bears interest."""
    base = POWERS.add(1, POWERS.divide(terms.rate, PERIODS_A_YEAR[terms.compounding]))
    first = POWERS.power(base, start) if start else Decimal(1)  # of zero too, when the rate is -1
    return accumulate(repeat(base), POWERS.multiply, initial=first)
