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
from math import gcd
from operator import itemgetter
from typing import NamedTuple

from assets.valuation.formulas.arithmetic import LARGEST, half_even

QUANTITY_UNIT = 10**18
MONEY_UNIT = 10**4
UNITS_OF_MONEY = QUANTITY_UNIT // MONEY_UNIT  # a quantity has so many units for a ten-thousandth of the price


class Held(NamedTuple):
    """The quantity at the end of each day on which it changed, in shares of that day; `units` go with `days`."""

    days: Sequence[date]
    units: Sequence[int | Fraction]

    def on(self, on: date) -> int | Fraction:
        """The quantity at the end of a day."""
        place = bisect_right(self.days, on)
        return self.units[place - 1] if place else 0


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
    changes = sorted({*quantities, *anchors, *splits}) if anchors or splits else held.days
    for on, until in pairwise([*changes, date.max]):
        walk.carry_to(on)
        walk.change(on, quantities.get(on), anchors.get(on), splits.get(on))
        walk.hold(on, until)
    return walk.points


def points_after(on: date, held: Held, prices: Prices) -> Points:
    """The points after the day, without recorded values and splits: then the last price up to the day is enough of the
    earlier ones.
    """
    walk, place = _Walk(prices), bisect_right(held.days, on)
    walk.begin(held.units[:place])
    walk.carry_to(on + timedelta(1))
    later = zip(held.days[place:], held.units[place:], strict=True)
    begin = on
    for day, units in later:
        walk.hold(begin, day)
        walk.carry_to(day)
        walk.change(day, units, None, None)
        begin = day
    walk.hold(begin, date.max)
    return walk.points


class _Walk:
    """What is held and what it costs, from one change to the next.

    The price is `above / below`, of the day `priced_on`.
    """

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.pauses = pauses(prices.days, prices.max_age_days)
        self.points = Points([], [])
        self.quantity: int | Fraction = 0
        self.priced_on: date | None = None
        self.above, self.below = 0, 1
        self.next = 0  # the first of the prices that is still to come
        self.has_points = False
        self.has_unheld_anchor = False

    def begin(self, earlier: Sequence[int | Fraction]) -> None:
        """After these quantities, without an anchor: there is a point as soon as something was held."""
        self.has_points = any(earlier)
        self.quantity = earlier[-1] if earlier else 0

    def carry_to(self, on: date) -> None:
        """Take over the last of the prices before the day."""
        until = bisect_left(self.prices.days, on, self.next)
        if until > self.next:
            self.next = until
            self.take(until - 1)

    def take(self, number: int) -> None:
        self.priced_on = self.prices.days[number]
        self.above, self.below = self.prices.amounts[number], self.prices.denominator

    def set_price(self, on: date, price: Fraction) -> None:
        self.priced_on, self.above, self.below = on, price.numerator, price.denominator

    def change(
        self, on: date, quantity: int | Fraction | None, anchor: int | None, split: Fraction | None
    ) -> None:
        if split is not None and self.priced_on is not None:
            self.set_price(self.priced_on, Fraction(self.above, self.below) / split)
        if quantity is not None:
            self.quantity = quantity
        is_quoted = self.next < len(self.prices.days) and self.prices.days[self.next] == on
        if is_quoted:
            self.next += 1
        if anchor is not None:
            self.has_unheld_anchor = not self.quantity
            if self.quantity:
                self.set_price(on, Fraction(anchor * QUANTITY_UNIT) / (self.quantity * MONEY_UNIT))
            self.add(on, anchor)
            return
        if self.quantity:
            self.has_unheld_anchor = False
        if is_quoted:
            self.take(self.next - 1)
        if self.quantity or (quantity is not None and self.has_points and not self.has_unheld_anchor):
            self.add(on, self.value_on(on))

    def add(self, on: date, value: int | None) -> None:
        self.has_points = True
        self.points.days.append(on)
        self.points.amounts.append(value)

    def value_on(self, on: date) -> int | None:
        """The value of what is held; None where the price is missing or too old."""
        if not self.quantity:
            return 0
        if self.priced_on is None or (on - self.priced_on).days > self.prices.max_age_days:
            return None
        units, parts = self.quantity.numerator, self.quantity.denominator
        value = half_even(units * self.above, UNITS_OF_MONEY * self.below * parts)
        return value if abs(value) < LARGEST else None

    def hold(self, on: date, until: date) -> None:
        """The prices after the day and before `until`, of a quantity that does not change."""
        if not self.quantity:
            return
        first, last = self.next, bisect_left(self.prices.days, until, self.next)
        days: Sequence[date] = self.prices.days[first:last]
        amounts: Sequence[int | None] = self.values(first, last)
        gaps = [day for day in self.too_old(first, last, until) if day > on]
        if gaps:
            points = [*zip(days, amounts, strict=True), *((day, None) for day in gaps)]
            points.sort(key=itemgetter(0))
            days, amounts = [day for day, _ in points], [amount for _, amount in points]
        self.points.days.extend(days)
        self.points.amounts.extend(amounts)

    def values(self, first: int, last: int) -> Sequence[int | None]:
        """What is held, at each of these prices."""
        if first == last:
            return ()
        units, parts = self.quantity.numerator, UNITS_OF_MONEY * self.prices.denominator
        parts *= self.quantity.denominator
        common = gcd(units, parts)
        return products(self.prices.amounts[first:last], units // common, parts // common)

    def too_old(self, first: int, last: int, until: date) -> Iterator[date]:
        """The days from which the price that counts so far, or one of these, is too old, before the next one of them
        and before `until`.
        """
        days, most = self.prices.days, self.prices.max_age_days
        if self.priced_on is not None:
            yield from day_too_old(self.priced_on, most, days[first] if first < last else until)
        begin = bisect_left(self.pauses, first)
        for place in self.pauses[begin : bisect_left(self.pauses, last - 1, begin)]:
            yield from day_too_old(days[place], most, days[place + 1])
        if first < last:
            yield from day_too_old(days[last - 1], most, until)


def day_too_old(on: date, most: int, following: date) -> Iterator[date]:
    """From which a price of the day `on` is too old, if that is before the following one."""
    if (following - on).days > most and (gap := on + timedelta(most + 1)) < following:
        yield gap


def pauses(days: Sequence[date], most: int) -> list[int]:
    """The places of the days after which there is none for more than so many days.

    Most prices are of every weekday: of several days in a row the first and the last are compared first.
    """
    places, step, last = list[int](), max(most // 2, 1), len(days) - 1
    pieces = zip(
        days[:-1:step], [*days[step:-1:step], *days[-1:]], strict=False
    )  # of a single day there is none
    for number, (begin, end) in enumerate(pieces):
        if (end - begin).days > most:
            place = number * step
            near = range(place, min(place + step, last))
            places += [each for each in near if (days[each + 1] - days[each]).days > most]
    return places


def products(numbers: Sequence[int], units: int, parts: int) -> Sequence[int | None]:
    """Each of the positive numbers times `units / parts`, which is in lowest terms, rounded half to even. None for one
    that is too large for a value.
    """
    most = max(numbers)
    if most * abs(units) > (LARGEST - 1) * parts:
        rounded = (half_even(number * units, parts) for number in numbers)
        return [value if abs(value) < LARGEST else None for value in rounded]
    if parts == 1:
        return [number * units for number in numbers]
    twice, whole = 2 * units, 2 * parts
    if parts % 2 or most < parts // 2:  # none of the products is half way between two whole numbers
        return [(number * twice + parts) // whole for number in numbers]
    halves_up = (divmod(number * twice + parts, whole) for number in numbers)
    return [value if rest else value - value % 2 for value, rest in halves_up]


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
    quantity = held.on(on)
    if quantity:
        price = last_price(held, prices, anchors, splits, on)
        return Basis(quantity, price, price is not None and price.on in anchors)
    anchored = max((day for day in anchors if day <= on), default=None)
    is_anchored = anchored is not None and not any(
        held.on(day) for day in (anchored, *held.days) if anchored <= day <= on
    )
    return Basis(0, None, is_anchored)


def last_price(
    held: Held,
    prices: Prices,
    anchors: Mapping[date, int],
    splits: Mapping[date, Fraction],
    on: date,
) -> Price | None:
    """The last price on or before the day, however old: of the security, or that of a recorded value since then. It is
    in shares of `on`.
    """
    anchor = max((day for day in anchors if day <= on and held.on(day)), default=date.min)
    place = bisect_right(prices.days, on) - 1
    while place >= 0 and prices.days[place] in anchors:
        place -= 1
    if place >= 0 and prices.days[place] > anchor:
        price = Price(prices.days[place], Fraction(prices.amounts[place], prices.denominator))
    elif anchor in anchors:
        units = Fraction(anchors[anchor] * QUANTITY_UNIT)
        price = Price(anchor, units / (held.on(anchor) * MONEY_UNIT))
    else:
        return None
    for day, ratio in splits.items():
        if price.on < day <= on:
            price = price._replace(amount=price.amount / ratio)
    return price
