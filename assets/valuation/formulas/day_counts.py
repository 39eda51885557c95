"""Day counts: which part of a year lies between two days.

Each is a position on a line, in whole parts of a year, so that the parts of a period add up to the period exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple


class DayCount(NamedTuple):
    """`position` gives a day's place on the line, of which a year has `parts`."""

    parts: int
    position: Callable[[date], int]


def _in_months_of_30_days(day: date) -> int:
    return day.year * 360 + day.month * 30 + min(day.day, 30)


def _in_days_of_their_year(day: date) -> int:
    """A day is 1/366 of a leap year and 1/365 of any other."""
    new_year = date(day.year, 1, 1)
    length = 366 if (day.year % 4 == 0 and day.year % 100 != 0) or day.year % 400 == 0 else 365
    return day.year * 365 * 366 + (day - new_year).days * (365 * 366 // length)


DAY_COUNTS = {
    "30/360": DayCount(360, _in_months_of_30_days),
    "act/365": DayCount(365, date.toordinal),
    "act/360": DayCount(360, date.toordinal),
    "act/act": DayCount(365 * 366, _in_days_of_their_year),
}
