"""Time-weighted return, drawdown and volatility of a chain of days. Pure.

True time-weighted return (Portfolio Performance, handbook, time-weighted.md): of each day

    1 + r = (value at its end + outflow) / (value at its start + inflow)

and these factors multiplied. Inflow is money that comes in at the day's start, outflow what leaves at its end. A day on
which nothing is invested (start + inflow <= 0) splits the chain and is skipped. Amounts are ten-thousandths; returns
are Decimals of 34 digits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Context, Decimal
from functools import lru_cache
from typing import NamedTuple

DIGITS = Context(prec=34)
RATE_PLACES = 10
YEAR = 365
SATURDAY = 5
ONE = Decimal(1)
NEAR_ONE = Decimal("0.9"), Decimal("1.1")
SERIES_PLACES = 30
MOST_LOGARITHMS = 5_000  # more than the weekdays of 19 years; about 300 bytes each


class ChainDay(NamedTuple):
    """A day of the chain, in ten-thousandths. `start` is the value at the end of the day before."""

    on: date
    start: int
    inflow: int
    outflow: int
    end: int

    @property
    def is_invested(self) -> bool:
        return self.start + self.inflow > 0

    @property
    def factor(self) -> Decimal | None:
        """1 + the return of the day; None if nothing is invested."""
        invested, left = self.start + self.inflow, self.end + self.outflow
        if invested <= 0:
            return None
        return ONE if invested == left else DIGITS.divide(Decimal(left), Decimal(invested))


class Drawdown(NamedTuple):
    """The largest fall from a peak, as a fraction of it, and the days of the peak and of the lowest point."""

    value: Decimal
    start: date | None
    end: date | None


class Volatility(NamedTuple):
    whole: Decimal
    semi: Decimal


def factors(days: Iterable[ChainDay]) -> list[tuple[date, Decimal]]:
    """The days on which something is invested, each with 1 + its return."""
    return [(day.on, factor) for day in days if (factor := day.factor) is not None]


def twr(chain: Sequence[tuple[date, Decimal]]) -> Decimal | None:
    """The return of the whole chain; None if it has no day."""
    if not chain:
        return None
    value = ONE
    for _, factor in chain:
        if factor != ONE:
            value = DIGITS.multiply(value, factor)
    return DIGITS.subtract(value, ONE)


def running_twr(days: Iterable[ChainDay]) -> list[tuple[date, Decimal]]:
    """The return up to each day on which something is invested."""
    value, returns = ONE, []
    for on, factor in factors(days):
        value = DIGITS.multiply(value, factor)
        returns.append((on, DIGITS.subtract(value, ONE)))
    return returns


def annualised(rate: Decimal, days: int) -> Decimal | None:
    """(1 + rate) ^ (365 / days) - 1; None for no days, and for a loss of more than everything."""
    value = DIGITS.add(ONE, rate)
    if days <= 0 or value < 0:
        return None
    if not value:
        return -ONE
    return DIGITS.subtract(DIGITS.power(value, DIGITS.divide(Decimal(YEAR), Decimal(days))), ONE)


def max_drawdown(chain: Sequence[tuple[date, Decimal]], start: date) -> Drawdown | None:
    """max(1 - v_t / max(v_s, s <= t)) of the chained value, which is 1 on `start`. None if the chain has no day."""
    if not chain:
        return None
    peak = value = ONE
    peak_on, worst = start, Drawdown(Decimal(0), None, None)
    for on, factor in chain:
        if factor == ONE:
            continue
        value = DIGITS.multiply(value, factor)
        if value >= peak:
            peak, peak_on = value, on
        elif (fall := DIGITS.subtract(ONE, DIGITS.divide(value, peak))) > worst.value:
            worst = Drawdown(fall, peak_on, on)
    return worst


def counts_in_volatility(on: date, busy_days: Collection[date]) -> bool:
    """Weekdays, and days of weekends on which one of the assets has a price or a flow."""
    return on.weekday() < SATURDAY or on in busy_days


def volatility(returns: Sequence[Decimal]) -> Volatility | None:
    """Standard deviation (divisor n - 1) of the logarithms of 1 + return, times sqrt(n); semi-volatility counts only
    those below their mean. `returns` are the factors 1 + r. None for fewer than two, or where all was lost.
    """
    count = len(returns)
    if count < 2 or any(factor <= 0 for factor in returns):
        return None
    logs = [logarithm(factor) for factor in returns]
    total = Decimal(0)
    for log in logs:
        total = DIGITS.add(total, log)
    mean = DIGITS.divide(total, Decimal(count))
    squares = below = Decimal(0)
    for log in logs:
        distance = DIGITS.subtract(log, mean)
        square = DIGITS.multiply(distance, distance)
        squares = DIGITS.add(squares, square)
        if distance < 0:
            below = DIGITS.add(below, square)
    scale = DIGITS.divide(Decimal(count), Decimal(count - 1))
    return Volatility(*(DIGITS.sqrt(DIGITS.multiply(each, scale)) for each in (squares, below)))


@lru_cache(MOST_LOGARITHMS)  # the returns of a day are the same in every period that it is in
def logarithm(factor: Decimal) -> Decimal:
    """ln(f) = 2 (y + y^3/3 + y^5/5 + ...) with y = (f - 1) / (f + 1): near 1 ten times faster than Decimal.ln."""
    if not NEAR_ONE[0] < factor < NEAR_ONE[1]:
        return DIGITS.ln(factor)
    power = DIGITS.divide(DIGITS.subtract(factor, ONE), DIGITS.add(factor, ONE))
    square, total, odd = DIGITS.multiply(power, power), power, 3
    while power and power.adjusted() > -SERIES_PLACES:
        power = DIGITS.multiply(power, square)
        total = DIGITS.add(total, DIGITS.divide(power, Decimal(odd)))
        odd += 2
    return DIGITS.add(total, total)
