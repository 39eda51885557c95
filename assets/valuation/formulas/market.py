"""The value of a holding over time: how much is held times its price. Pure and exact.

Quantities are whole 10^-18 units (a Fraction where a ratio of shares does not divide), values ten-thousandths of the
currency. Days ascend, each once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import LARGEST, half_even

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


class Points(NamedTuple):
    """The days on which something changed, and the value from each of them on; None where there is none."""

    days: list[date]
    amounts: list[int | None]


NO_PRICES = Prices((), (), 1, 0)


def market_points(
    held: Held,
    prices: Prices,
    anchors: Mapping[date, int] | None = None,
    splits: Mapping[date, Fraction] | None = None,
) -> Points:
    """A point on each day with a new price, quantity or recorded value, and where the price becomes too old.

    The first is that of the first holding or anchor. So what is known of a day makes a point on that day and on no
    other, but for the one from which a price is too old.

    The value is rounded half to even; None where something is held and no price counts (and for an amount that is too
    large for a value). What is sold completely is worth 0. `anchors` are recorded values: each is the value of its day,
    and divided by the quantity of that day it is the price until the next day that has one. An anchor of a day on which
    nothing is held stays as it is, until something is held. `splits` say how many shares one share becomes on that day:
    an older price is divided by it.
    """
    walk = _Walk(prices)
    anchors, splits = anchors or {}, splits or {}
    quantities = dict(zip(held.days, held.units, strict=True))
    changes = sorted({*quantities, *anchors, *splits})
    for on, until in pairwise([*changes, date.max]):
        walk.carry_to(on)
        walk.change(on, quantities.get(on), anchors.get(on), splits.get(on))
        walk.hold(on, until)
    return walk.points


class _Walk:
    """What is held and what it costs, from one change to the next."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.points = Points([], [])
        self.quantity: int | Fraction = 0
        self.price: Price | None = None
        self.next = 0  # the first of the prices that is still to come
        self.has_unheld_anchor = False

    def carry_to(self, on: date) -> None:
        """Take over the last of the prices before the day."""
        until = bisect_left(self.prices.days, on, self.next)
        if until > self.next:
            self.price = self.quoted(until - 1)
            self.next = until

    def quoted(self, number: int) -> Price:
        return Price(self.prices.days[number], Fraction(self.prices.amounts[number], self.prices.denominator))

    def change(
        self, on: date, quantity: int | Fraction | None, anchor: int | None, split: Fraction | None
    ) -> None:
        if split is not None and self.price is not None:
            self.price = self.price._replace(amount=self.price.amount / split)
        if quantity is not None:
            self.quantity = quantity
        is_quoted = self.next < len(self.prices.days) and self.prices.days[self.next] == on
        if is_quoted:
            self.next += 1
        if anchor is not None:
            self.has_unheld_anchor = not self.quantity
            if self.quantity:
                self.price = Price(on, Fraction(anchor * QUANTITY_UNIT) / (self.quantity * MONEY_UNIT))
            self.add(on, anchor)
            return
        if self.quantity:
            self.has_unheld_anchor = False
        if is_quoted:
            self.price = self.quoted(self.next - 1)
        if self.quantity or (quantity is not None and self.points.days and not self.has_unheld_anchor):
            self.add(on, value_of(self.quantity, self.price, on, self.prices.max_age_days))

    def add(self, on: date, value: int | None) -> None:
        self.points.days.append(on)
        self.points.amounts.append(value)

    def hold(self, on: date, until: date) -> None:
        """The prices after the day and before `until`, of a quantity that does not change."""
        if not self.quantity:
            return
        first, last = self.next, bisect_left(self.prices.days, until, self.next)
        days, amounts = self.prices.days[first:last], self.values(first, last)
        priced = days if self.price is None else [self.price.on, *days]
        gaps = [day for day in self.too_old(priced, until) if day > on]
        if gaps:
            points = [*zip(days, amounts, strict=True), *((day, None) for day in gaps)]
            points.sort(key=itemgetter(0))
            days, amounts = [day for day, _ in points], [amount for _, amount in points]
        self.points.days.extend(days)
        self.points.amounts.extend(amounts)

    def values(self, first: int, last: int) -> Sequence[int | None]:
        """What is held, at each of these prices."""
        ratio = Fraction(self.quantity * MONEY_UNIT) / (QUANTITY_UNIT * self.prices.denominator)
        units, parts = ratio.numerator, ratio.denominator
        prices = self.prices.amounts[first:last]
        if parts == 1:
            values: list[int] = [price * units for price in prices]
        else:
            values = [half_even(price * units, parts) for price in prices]
        if values and not -LARGEST < min(values) <= max(values) < LARGEST:
            return [value if abs(value) < LARGEST else None for value in values]
        return values

    def too_old(self, priced: Sequence[date], until: date) -> Iterator[date]:
        """The days from which one of these prices is too old, before the next of them and before `until`."""
        most = timedelta(self.prices.max_age_days)
        for day, following in pairwise([*priced, until]):
            if following - day > most and (gap := day + most + timedelta(1)) < following:
                yield gap


def value_of(quantity: int | Fraction, price: Price | None, on: date, max_age_days: int) -> int | None:
    """The value of a quantity on a day; None where the price is missing or too old."""
    if not quantity:
        return 0
    if price is None or (on - price.on).days > max_age_days:
        return None
    exact = Fraction(quantity, QUANTITY_UNIT) * price.amount * MONEY_UNIT
    value = half_even(exact.numerator, exact.denominator)
    return value if abs(value) < LARGEST else None


class Basis(NamedTuple):
    """What a value on a day is made of. `price` is in shares of that day; None where none counts or none is needed."""

    quantity: int | Fraction
    price: Price | None
    is_anchored: bool  # by a recorded value of an earlier day


def basis_on(
    held: Held,
    prices: Prices,
    anchors: Mapping[date, int],
    splits: Mapping[date, Fraction],
    on: date,
) -> Basis:
    """The quantity and the price on a day that has no recorded value."""

    def quantity_on(day: date) -> int | Fraction:
        place = bisect_right(held.days, day)
        return held.units[place - 1] if place else 0

    quantity = quantity_on(on)
    anchored = max((day for day in anchors if day <= on), default=None)
    if not quantity:
        is_anchored = anchored is not None and not any(
            quantity_on(day) for day in (anchored, *held.days) if anchored <= day <= on
        )
        return Basis(0, None, is_anchored)
    anchor = max((day for day in anchors if day <= on and quantity_on(day)), default=date.min)
    place = bisect_right(prices.days, on) - 1
    while place >= 0 and prices.days[place] in anchors:
        place -= 1
    if place >= 0 and prices.days[place] > anchor:
        price = Price(prices.days[place], Fraction(prices.amounts[place], prices.denominator))
    elif anchor in anchors:
        units = Fraction(anchors[anchor] * QUANTITY_UNIT)
        price = Price(anchor, units / (quantity_on(anchor) * MONEY_UNIT))
    else:
        return Basis(quantity, None, False)
    for day, ratio in splits.items():
        if price.on < day <= on:
            price = price._replace(amount=price.amount / ratio)
    return Basis(quantity, price, price.on == anchor)
