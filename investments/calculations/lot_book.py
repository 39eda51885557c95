"""The open lots of one asset, and which of them a sale takes. Pure and exact.

A lot that is cut takes floor(C x taken_after / Q) - floor(C x taken_before / Q) of its cost C, where Q is its quantity:
so the parts add up to C, into however many a lot is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import partial
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from typing import NamedTuple
from uuid import UUID

from assets.holdings.events import ChosenLot, whole
from portfolios.lot_method import LotMethod

type Units = int | Fraction  # quantities in 10^-18
type Order = tuple[date, datetime, int, UUID]  # of purchases: day, instant, position, transaction

_KEY_BITS = 256  # unit costs of quantities below 2^128 that differ still differ with this many binary places


class Lot:
    """A purchase: `cost` is that of the whole `quantity`, of which `taken` is gone. All are negative in a short lot.

    `reported` is the cost in the reporting currency, for a lot that came out of a pool; None where the rate of the
    lot's day gives it. `unknown`: its cost is in another currency, which has no rate on its day.
    """

    __slots__ = ("cost", "order", "quantity", "reported", "taken", "unknown")

    def __init__(
        self, order: Order, quantity: Units, cost: int, unknown: bool = False, reported: int | None = None
    ) -> None:
        self.order, self.quantity, self.cost, self.unknown = order, quantity, cost, unknown
        self.reported = reported
        self.taken: Units = 0

    @property
    def rest(self) -> Units:
        return self.quantity - self.taken

    def take(self, units: Units) -> Part:
        """Take so many units, which are then gone."""
        before, cost, reported = self.taken, self.cost, self.reported
        self.taken = before + units
        if units != self.quantity:
            cost = self._cut_since(before, cost)
            reported = None if reported is None else self._cut_since(before, reported)
        return new_part((self, units, cost, reported))

    def _cut_since(self, before: Units, amount: int) -> int:
        """The part of an amount that belongs to what was taken since `before` was."""
        taken, quantity = self.taken, self.quantity
        until_now = amount if taken == quantity else amount * taken // quantity
        return until_now - amount * before // quantity if before else until_now

    def left(self) -> Part:
        """What is left of it."""
        cost = self.cost - cut(self.cost, self.taken, self.quantity)
        reported = self.reported
        if reported is not None:
            reported -= cut(reported, self.taken, self.quantity)
        return Part(self, self.rest, cost, reported)


class Part(NamedTuple):
    """Part of a lot, with its cost; `reported` as in Lot, or as the pool knows it."""

    lot: Lot
    units: Units
    cost: int
    reported: int | None = None


# The class itself is called through a function in Python, which takes three times as long.
new_part: Callable[[tuple[Lot, Units, int, int | None]], Part] = partial(tuple.__new__, Part)


def cut(amount: int, taken: Units, quantity: Units) -> int:
    """The part of an amount that belongs to what is taken of a quantity, rounded down; all of it for all."""
    if not taken:
        return 0
    return amount if taken == quantity else int(amount * taken // quantity)


def shared_out(amount: int, weights: Sequence[Units]) -> list[int]:
    """An amount over weights (at least one), without a residue: the parts add up to it."""
    total = sum(weights, start=0)
    if not total:
        return [amount, *[0] * (len(weights) - 1)]
    parts, before = [], 0
    for done in accumulate(weights):
        after = int(amount * done // total)
        parts.append(after - before)
        before = after
    return parts


class LotBook:
    """The open lots of one sign of an asset, in the order of the purchases, taken by fifo or by named lots."""

    mixes_unknown = False  # whether an unknown cost is part of that of all lots

    def __init__(self) -> None:
        self.lots: deque[Lot] = deque()
        self.units: Units = 0

    def add(self, lot: Lot) -> None:
        self.units += lot.quantity
        if self.lots and self.lots[-1].order > lot.order:
            self.lots = deque(sorted([*self.lots, lot], key=lambda each: each.order))
        else:
            self.lots.append(lot)

    def take(self, wanted: Units) -> list[Part]:
        """Take so many units, at most all, in the order of the method."""
        self.units -= wanted
        parts: list[Part] = []
        is_long = wanted > 0
        take_next, put_back = self.ends()
        while wanted:
            lot = take_next()
            taken, quantity = lot.taken, lot.quantity
            rest = quantity - taken
            if rest != wanted and (rest > wanted) is is_long:
                parts.append(lot.take(wanted))
                put_back(lot)
                break
            if not taken:  # all of it: mostly
                lot.taken = quantity
                parts.append(new_part((lot, quantity, lot.cost, lot.reported)))
            elif rest:
                parts.append(lot.take(rest))
            wanted -= rest
        return parts

    def take_named(self, chosen: Collection[ChosenLot], most: Units) -> list[Part]:
        """Take the lots that are named, of each as much as is named and there, and `most` in all."""
        parts = []
        for choice in chosen:
            units_left: Units = choice.quantity
            for lot in self.lots:
                if lot.order[3] == choice.transaction_id:
                    units = min(units_left, lot.rest, most)
                    if units > 0:
                        parts.append(lot.take(units))
                        self.units, units_left, most = self.units - units, units_left - units, most - units
        return parts

    def ends(self) -> tuple[Callable[[], Lot], Callable[[Lot], None]]:
        """What takes the next lot out of the book, and what puts the same back."""
        return self.lots.popleft, self.lots.appendleft

    def open_lots(self) -> list[Lot]:
        return [lot for lot in self.lots if lot.rest]

    def parts(self) -> list[Part]:
        """All that is open, in the order of the purchases."""
        return [lot.left() for lot in self.open_lots()]

    def replace(self, lots: Sequence[Lot]) -> None:
        """What is open becomes these lots, which are in order: after a corporate action."""
        self.lots = deque(lots)
        self.units = sum((lot.quantity for lot in lots), start=0)

    def scale(self, ratio: Fraction) -> None:
        """A split: each lot has another quantity, at the same cost."""
        for lot in self.open_lots():
            lot.quantity, lot.taken = times(lot.quantity, ratio), times(lot.taken, ratio)
        self.units = times(self.units, ratio)


def times(units: Units, ratio: Fraction) -> Units:
    product = units * ratio
    return whole(product) if isinstance(product, Fraction) else product


class LastInFirstOut(LotBook):
    def ends(self) -> tuple[Callable[[], Lot], Callable[[Lot], None]]:
        return self.lots.pop, self.lots.append


type HeapEntry = tuple[int, Order, int, Lot]  # the cost of a unit, negative; the order; a number


class HighestFirst(LotBook):
    """The highest cost of a unit first, of equal ones the oldest. A heap, because lots are many and sales too."""

    def __init__(self) -> None:
        super().__init__()
        self.heap: list[HeapEntry] = []
        self.added = 0

    def add(self, lot: Lot) -> None:
        self.units += lot.quantity
        self.push(lot)

    def push(self, lot: Lot) -> None:
        self.added += 1  # parts of one lot, which arrived apart, have the same order
        heappush(self.heap, (-int((lot.cost << _KEY_BITS) // lot.quantity), lot.order, self.added, lot))

    def ends(self) -> tuple[Callable[[], Lot], Callable[[Lot], None]]:
        taken: list[HeapEntry] = []

        def take_next() -> Lot:
            taken[:] = [heappop(self.heap)]
            return taken[0][-1]

        return take_next, lambda lot: heappush(self.heap, taken[0])

    def open_lots(self) -> list[Lot]:
        in_order = sorted(self.heap, key=lambda entry: entry[1:3])
        return [lot for *_, lot in in_order if lot.rest]

    def replace(self, lots: Sequence[Lot]) -> None:
        self.heap, self.units = [], 0
        for lot in lots:
            self.add(lot)

    def scale(self, ratio: Fraction) -> None:
        super().scale(ratio)
        lots, self.heap = self.open_lots(), []
        for lot in lots:
            self.push(lot)


class AveragePool(LotBook):
    """One pool of cost. Lots keep their days and are taken by fifo, and all have the pool's cost of a unit.

    `reported_cost` converts the cost of a new lot at the rate of its day into the reporting currency; None without a
    rate. The pool is kept in both currencies, because costs of different days are mixed in it.
    """

    def __init__(self, reported_cost: Callable[[date, int], int | None] | None = None) -> None:
        super().__init__()
        self.reported_cost = reported_cost
        self.cost = 0
        self.reported: int | None = None if reported_cost is None else 0
        self.quantity: Units = 0  # that `cost` is of; `units` of it are left

    def add(self, lot: Lot) -> None:
        if self.units != self.quantity:
            self._settle()
        self.cost += lot.cost
        if lot.unknown:
            self.mixes_unknown = True
        if self.reported is not None and self.reported_cost is not None:
            reported = lot.reported
            if reported is None:
                reported = self.reported_cost(lot.order[0], lot.cost)
            self.reported = None if reported is None else self.reported + reported
        super().add(lot)
        self.quantity = self.units

    def take(self, wanted: Units) -> list[Part]:
        done = self.quantity - self.units
        taken = super().take(wanted)
        if not taken:
            return []
        ends = [*accumulate((part.units for part in taken), initial=done)]
        costs = self._between(self.cost, ends)
        reported = [None] * len(taken) if self.reported is None else self._between(self.reported, ends)
        if not self.units:
            self._settle()
        return [
            Part(lot, units, cost, of_part)
            for (lot, units, *_), cost, of_part in zip(taken, costs, reported, strict=True)
        ]

    def _between(self, amount: int, ends: Sequence[Units]) -> list[int]:
        """The parts of an amount of the pool; each is of what was taken from one of these ends to the next."""
        whole_amounts = [int(amount * end // self.quantity) for end in ends]
        return [after - before for before, after in pairwise(whole_amounts)]

    def parts(self) -> list[Part]:
        self._settle()
        lots = self.open_lots()
        rests = [lot.rest for lot in lots]
        if not rests:
            return []
        costs = shared_out(self.cost, rests)
        reported = [None] * len(lots) if self.reported is None else shared_out(self.reported, rests)
        return [Part(*each) for each in zip(lots, rests, costs, reported, strict=True)]

    def replace(self, lots: Sequence[Lot]) -> None:
        super().replace([])
        self.cost, self.quantity = 0, 0
        self.reported = None if self.reported_cost is None else 0
        for lot in lots:
            self.add(lot)

    def scale(self, ratio: Fraction) -> None:
        self._settle()
        super().scale(ratio)
        self.quantity = self.units

    def _settle(self) -> None:
        """The cost of what is left becomes that of a pool of which nothing was taken."""
        taken = self.quantity - self.units
        self.cost -= cut(self.cost, taken, self.quantity)
        if self.reported is not None:
            self.reported -= cut(self.reported, taken, self.quantity)
        elif not self.units and self.reported_cost is not None:
            self.reported = 0
        self.mixes_unknown = self.mixes_unknown and bool(self.units)
        self.quantity = self.units


BOOKS: dict[LotMethod, type[LotBook]] = {
    LotMethod.FIFO: LotBook,
    LotMethod.SPECIFIC: LotBook,
    LotMethod.LIFO: LastInFirstOut,
    LotMethod.HIFO: HighestFirst,
    LotMethod.AVERAGE: AveragePool,
}
