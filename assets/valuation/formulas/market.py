"""The value of a holding over time: how much is held times its price. Pure and exact.

Quantities are whole 10^-18 units (a Fraction where a ratio of shares does not divide), values ten-thousandths of the
currency. Days ascend, each once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import half_even

QUANTITY_UNIT = 10**18
MONEY_UNIT = 10**4


class Held(NamedTuple):
    """The quantity at the end of each day on which it changed, in shares of that day; `units` go with `days`."""

    days: Sequence[date]
    units: Sequence[int | Fraction]


class Prices(NamedTuple):
    """`amounts[i] / denominator` is the price of one share on `days[i]`, in shares of that day.

    A price counts on its day and for `max_age_days` after it, unless a newer one replaces it.
    """

    days: Sequence[date]
    amounts: Sequence[int]
    denominator: int
    max_age_days: int


class Price(NamedTuple):
    """What one share costs, and the day that says so."""

    on: date
    amount: Fraction


def market_points(
    held: Held,
    prices: Prices,
    anchors: Mapping[date, int] | None = None,
    splits: Mapping[date, Fraction] | None = None,
) -> Iterator[tuple[date, int | None]]:
    """(day, value) for each day on which the value changes. The first is that of the first holding or anchor.

    The value is rounded half to even; None where something is held and no price counts. What is sold completely is
    worth 0. `anchors` are recorded values: each is the value of its day, and divided by the quantity of that day it is
    the price until the next day that has one. An anchor of a day on which nothing is held stays as it is, until
    something is held. `splits` say how many shares one share becomes on that day: an older price is divided by it.
    """
    anchors, splits = anchors or {}, splits or {}
    quantities = dict(zip(held.days, held.units, strict=True))
    quoted = dict(zip(prices.days, prices.amounts, strict=True))
    priced = {*quoted, *anchors}
    first_days_too_old = {on + timedelta(prices.max_age_days + 1) for on in priced}
    days = {*quantities, *priced, *splits, *first_days_too_old}
    quantity: int | Fraction = 0
    price: Price | None = None
    unheld_anchor: int | None = None
    value: int | None
    points: list[int | None] = []
    for on in sorted(days):
        if price is not None and on in splits:
            price = price._replace(amount=price.amount / splits[on])
        quantity = quantities.get(on, quantity)
        if quantity or on in anchors:
            unheld_anchor = None
        if on in anchors and quantity:
            price = Price(on, Fraction(anchors[on] * QUANTITY_UNIT) / (quantity * MONEY_UNIT))
        elif on in anchors:
            unheld_anchor = anchors[on]
        elif on in quoted:
            price = Price(on, Fraction(quoted[on], prices.denominator))
        if on in anchors:
            value = anchors[on]
        elif unheld_anchor is not None:
            value = unheld_anchor
        elif quantity or points:
            value = value_of(quantity, price, on, prices.max_age_days)
        else:
            continue
        if not points or points[-1] != value:
            points[:] = [value]
            yield on, value


def value_of(quantity: int | Fraction, price: Price | None, on: date, max_age_days: int) -> int | None:
    """The value of a quantity on a day; None where the price is missing or too old."""
    if not quantity:
        return 0
    if price is None or (on - price.on).days > max_age_days:
        return None
    exact = Fraction(quantity, QUANTITY_UNIT) * price.amount * MONEY_UNIT
    return half_even(exact.numerator, exact.denominator)
