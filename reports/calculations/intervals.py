"""The days on which a series has points: the last day of each period, and the last day of the series."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

MONTHS = {"month": 1, "quarter": 3, "year": 12}
INTERVALS = ("day", "week", *MONTHS)


def days_between(start: date, end: date, interval: str) -> list[date]:
    """The last day of each period, beginning with the period of `start`, and `end` as the last point.

    Weeks end on Sunday (ISO 8601); months, quarters and years are those of the calendar; a day is its own period. So
    the first point is `start` only for days, or if a period ends on it. The last period may be cut short by `end`.
    Raises ValueError if `end` is before `start`, or for an unknown interval.
    """
    if end < start:
        raise ValueError("end lies before start")
    if interval == "day":
        return [start + timedelta(number) for number in range((end - start).days + 1)]
    period_end = _period_end(interval)
    points = []
    day = period_end(start)
    while day < end:
        points.append(day)
        day = period_end(day + timedelta(days=1))
    return [*points, end]


def a_month_before(day: date) -> date:
    """The same day of the month before, or the last day of a shorter month."""
    return months_before(day, 1)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def count_days(start: date, end: date, interval: str) -> int:
    """The number of points that days_between would return, or one more, without calculating them."""
    days = (end - start).days
    if interval in MONTHS:
        months = (end.year - start.year) * 12 + end.month - start.month
        return months // MONTHS[interval] + 2
    return days // 7 + 2 if interval == "week" else days + 1


def _period_end(interval: str) -> Callable[[date], date]:
    if interval == "week":
        return lambda day: _later(day, 6 - day.weekday())
    if interval in MONTHS:
        return lambda day: _months_end(day, MONTHS[interval])
    raise ValueError(f"unknown interval: {interval}")


def _months_end(day: date, length: int) -> date:
    """The last day of the period of `length` months that contains the day; periods begin with the year."""
    beyond = (day.year * 12 + day.month - 1) // length * length + length
    if beyond // 12 > date.max.year:
        return date.max
    return date(beyond // 12, beyond % 12 + 1, 1) - timedelta(days=1)


def _later(day: date, days: int) -> date:
    return day + timedelta(days=min(days, (date.max - day).days))
