"""The ticks of the axes of the dashboard's pictures: round amounts, and the first days of months or years."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

MULTIPLES = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
MOST_AMOUNTS, MOST_DAYS = 6, 6
MARGIN = Decimal("0.05")  # of the span of the values, above and below them
DAY_STEPS, MONTH_STEPS = (1, 2, 7, 14), (1, 2, 3, 6)
YEAR_STEPS = tuple(multiple * 10**power for power in range(4) for multiple in (1, 2, 5))


class AmountAxis(NamedTuple):
    """From `low` to `high`, with ticks between them."""

    low: Decimal
    high: Decimal
    ticks: Sequence[Decimal]

    def place(self, value: Decimal) -> Decimal:
        """The share of the axis that is above the value: 0 at the top, 1 at the bottom."""
        return (self.high - value) / (self.high - self.low)


def amount_axis(values: Sequence[Decimal]) -> AmountAxis:
    """The axis that fits the values, with a margin and with round ticks."""
    low, high = min(values), max(values)
    margin = (high - low) * MARGIN or abs(low) * MARGIN or Decimal(1)
    low, high = low - margin if low else low, high + margin if high or not low else high
    step = _amount_step((high - low) / MOST_AMOUNTS)
    first, last = (low / step).to_integral(ROUND_CEILING), (high / step).to_integral(ROUND_FLOOR)
    return AmountAxis(low, high, [step * count for count in range(int(first), int(last) + 1)])


def _amount_step(least: Decimal) -> Decimal:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `least`."""
    power = least.adjusted()
    return next(step for multiple in MULTIPLES if (step := multiple.scaleb(power)) >= least)


def day_ticks(start: date, end: date) -> tuple[str, list[date]]:
    """("day", "month" or "year", the days with a label)."""
    span = (end - start).days
    for step in DAY_STEPS:
        if span // step < MOST_DAYS:
            return "day", [start + timedelta(days=count) for count in range(0, span + 1, step)]
    for step in MONTH_STEPS:
        if span // (30 * step) < MOST_DAYS:
            return "month", _firsts_of_months(start, end, step)
    step = next((step for step in YEAR_STEPS if span // (365 * step) < MOST_DAYS), YEAR_STEPS[-1])
    return "year", _firsts_of_months(start, end, 12 * step)


def _firsts_of_months(start: date, end: date, step: int) -> list[date]:
    """The first day of every `step`th month of the calendar from `start` to `end`."""
    first, last = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
    months = range(-(-first // step) * step, last + 1, step)
    days = [date(month // 12, month % 12 + 1, 1) for month in months]
    return [day for day in days if start <= day]
