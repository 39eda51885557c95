"""Exact arithmetic that the formulas share: rounding of fractions, and days that are whole months apart."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from math import lcm

MONEY_PLACES = 4  # the same as in strata.fields.numbers, which calculations do not import
LARGEST = 10**18  # an amount of money has fewer ten-thousandths than this


def half_even(numerator: int, denominator: int, step: int = 1) -> int:
    """The fraction, rounded to a multiple of `step`; of two that are equally near the even multiple."""
    whole, rest = divmod(numerator, denominator * step)
    twice = 2 * rest - denominator * step
    return step * (whole + (twice > 0 or (twice == 0 and whole % 2)))


def line(before: Fraction, after: Fraction, steps: int) -> Callable[[int], int]:
    """What lies on the straight line between two amounts after any number of steps, rounded half to even."""
    common = lcm(before.denominator, after.denominator)
    first, last = int(before * common), int(after * common)
    return lambda number: half_even(first * steps + (last - first) * number, common * steps)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
