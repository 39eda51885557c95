"""What the same money would have done in a benchmark. Pure and exact until the returns.

- `twr`: its last price at or before the end, divided by the first price at or after the start, less 1. The first price
  is at the latest that of the first day of the chain on which something is invested.
- `xirr_of_same_flows`: each flow buys or sells it at the price of its day; what is then held is the value at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from investments.calculations.performance import MISSING_PRICES, simple_return_of
from investments.calculations.returns import DIGITS, ChainDay
from investments.calculations.xirr import Flow, xirr

type PriceOn = Callable[
    [date], Fraction | None
]  # in the reporting currency, in shares of one and the same day


class Benchmark(NamedTuple):
    """None has a code in `reasons`, by the name of the field."""

    twr: Decimal | None
    xirr_of_same_flows: Decimal | None
    reasons: dict[str, str]


def benchmark(
    chain: Sequence[ChainDay],
    *,
    start: date,
    start_value: int,
    price_on: PriceOn,
    price_days: Sequence[date],
) -> Benchmark:
    """The benchmark in the days of the chain. `price_days` are those of its own prices, in order."""
    reasons: dict[str, str] = {}
    end = chain[-1].on if chain else start
    rate = _twr(chain, start, end, price_on, price_days)
    if rate is None:
        reasons["twr"] = MISSING_PRICES
    flows = [Flow(start, start_value), *(Flow(day.on, day.inflow - day.outflow) for day in chain)]
    flows = [flow for flow in flows if flow.amount]
    end_value = _end_value(flows, end, price_on)
    if end_value is None:
        return Benchmark(rate, None, reasons | {"xirr_of_same_flows": MISSING_PRICES})
    paid = [Flow(flow.on, -flow.amount) for flow in flows]
    invested = sum(flow.amount for flow in flows if flow.amount > 0)
    gain = end_value - sum(flow.amount for flow in flows)
    money_weighted = xirr([*paid, Flow(end, end_value)], simple_return=simple_return_of(gain, invested))
    if money_weighted.code:
        reasons["xirr_of_same_flows"] = money_weighted.code
    return Benchmark(rate, money_weighted.rate, reasons)


def _twr(
    chain: Sequence[ChainDay], start: date, end: date, price_on: PriceOn, price_days: Sequence[date]
) -> Decimal | None:
    first, last = price_on(_first_price_on(chain, start, end, price_days)), price_on(end)
    return None if first is None or last is None else _return(first, last)


def _first_price_on(chain: Sequence[ChainDay], start: date, end: date, price_days: Sequence[date]) -> date:
    first_price_on = next((on for on in price_days if on >= start), None)
    first_invested_on = next((day.on for day in chain if day.is_invested), end)
    if first_price_on is None or first_price_on > first_invested_on:
        return first_invested_on
    return first_price_on


def _return(first: Fraction, last: Fraction) -> Decimal:
    ratio = last / first - 1
    return DIGITS.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))


def running_benchmark(
    chain: Sequence[ChainDay], *, start: date, price_on: PriceOn, price_days: Sequence[date]
) -> list[tuple[date, Decimal]]:
    """The benchmark's return at the end of each day, since the price that its `twr` begins with.

    Days before that price, and those whose exchange rate is missing, are left out.
    """
    if not chain:
        return []
    first_on = _first_price_on(chain, start, chain[-1].on, price_days)
    first = price_on(first_on)
    if first is None:
        return []
    prices = ((day.on, price_on(day.on)) for day in chain if day.on >= first_on)
    return [(on, _return(first, price)) for on, price in prices if price is not None]


def _end_value(flows: Sequence[Flow], end: date, price_on: PriceOn) -> int | None:
    """The value of what the flows buy, in ten-thousandths; None if a price is missing."""
    held, last = Fraction(0), price_on(end)
    if last is None:
        return None
    for flow in flows:
        price = price_on(flow.on)
        if price is None:
            return None
        held += flow.amount / price
    return round(held * last)
