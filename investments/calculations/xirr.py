"""Money-weighted return: the yearly rate at which all flows are worth nothing, with actual days over 365. Pure.

The rate r solves (Portfolio Performance, handbook, money-weighted.md; Excel's XIRR)

    sum(amount_i x (1 + r) ^ (days from i to the end / 365)) = 0

pyxirr proposes a candidate, which is a float. It counts only if the exact value changes sign there. Solvers give the
root to which their first guess leads; here it is known whether there are others:

The running balance at r is what was paid so far, carried on at r. If it never changes its sign, then the investor only
ever invests (or only ever borrows) at r, and r is the only root (Teichroew, Robichek, Montalbano, "An analysis of
criteria for investment and financing decisions under certainty", 1965). Otherwise all rates are searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Context, Decimal, Overflow, localcontext
from itertools import pairwise
from typing import NamedTuple

import pyxirr

NO_FLOWS, NO_SIGN_CHANGE, SEVERAL_ROOTS = "NO_FLOWS", "NO_SIGN_CHANGE", "SEVERAL_ROOTS"
YEAR = Decimal(365)
ONE = Decimal(1)
DIGITS = Context(prec=40)
CANDIDATE_ERRORS = Decimal("1e-11"), Decimal("1e-7")  # relative to 1 + r: how far a candidate may be off
CLOSE = Decimal("1e-16")  # relative distance within which the value has to change its sign
STEPS = 100  # of one refinement; about ten are needed
DIP_STEPS = 30  # of the search for two roots between two points of the grid
WIDE = Decimal(
    2
)  # ends of a refinement whose ratio is larger are brought together by halving their logarithms
# Where roots are searched, as ln(1 + r): densely around 0; far away only for flows that are a few days apart.
DISTANCES = [
    *(Decimal(n) / 100 for n in range(50)),
    *(Decimal(n) / 20 for n in range(10, 30)),
    *(Decimal(n) / 4 for n in range(6, 20)),
    *(Decimal(n) for n in (*range(5, 29), 40, 60, 100, 200, 500, 1000, 3000, 10_000)),
]
GRID = sorted({sign * distance for distance in DISTANCES for sign in (1, -1)})


class Flow(NamedTuple):
    """Money of one day from the investor's side: negative if it is paid in, positive if it comes back."""

    on: date
    amount: int


class Xirr(NamedTuple):
    """`rate` is None where there is none. `code` says why; with SEVERAL_ROOTS the nearest one is given."""

    rate: Decimal | None
    code: str | None = None


def by_day(flows: Iterable[Flow]) -> list[Flow]:
    """One flow a day, oldest first, without zeros."""
    sums: dict[date, int] = {}
    for on, amount in flows:
        sums[on] = sums.get(on, 0) + amount
    return [Flow(on, sums[on]) for on in sorted(sums) if sums[on]]


def xirr(flows: Iterable[Flow], *, simple_return: Decimal) -> Xirr:
    """The rate of these flows. Of several roots the one nearest to `simple_return` is given, with SEVERAL_ROOTS."""
    flows = by_day(flows)
    if not flows:
        return Xirr(None, NO_FLOWS)
    if all(flow.amount > 0 for flow in flows) or all(flow.amount < 0 for flow in flows):
        return Xirr(None, NO_SIGN_CHANGE)
    with localcontext(DIGITS):
        value = _FutureValue(flows)
        growth = _checked_candidate(flows, value)
        if growth is not None and value.keeps_its_side(growth):
            return Xirr(growth - ONE)
        growths = value.roots(growth)
        if not growths:
            return Xirr(None, NO_SIGN_CHANGE)
        nearest = min(growths, key=lambda each: (abs(each - ONE - simple_return), each))
        return Xirr(nearest - ONE, SEVERAL_ROOTS if len(growths) > 1 else None)


def _checked_candidate(flows: Sequence[Flow], value: _FutureValue) -> Decimal | None:
    """The root near the rate that pyxirr finds, as 1 + r."""
    try:
        rate = pyxirr.xirr([flow.on for flow in flows], [flow.amount for flow in flows], silent=True)
    except (pyxirr.InvalidPaymentsError, OverflowError):
        return None
    if rate is None or not rate > -1:
        return None
    growth = ONE + Decimal(repr(rate))
    for error in CANDIDATE_ERRORS:
        root = value.root_between(growth * (1 - error), growth * (1 + error))
        if root is not None:
            return root
    return None


class _Point(NamedTuple):
    """A growth factor, and the value there."""

    growth: Decimal
    value: Decimal


class _FutureValue:
    """The flows' value on the last day, as a function of 1 + r."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        self.first = Decimal(flows[0].amount)
        self.later = [((flow.on - before.on).days, Decimal(flow.amount)) for before, flow in pairwise(flows)]
        self.gaps = {gap for gap, _ in self.later}

    def balances(self, growth: Decimal) -> list[Decimal]:
        """The running balance after each flow; the last one is the value of all."""
        day = growth ** (1 / YEAR)
        factors = {gap: day**gap for gap in self.gaps}
        balance = self.first
        balances = [balance]
        for gap, amount in self.later:
            balance = balance * factors[gap] + amount
            balances.append(balance)
        return balances

    def at(self, growth: Decimal) -> Decimal:
        return self.balances(growth)[-1]

    def keeps_its_side(self, root: Decimal) -> bool:
        """Whether the balance at a root never changes its sign before it ends at zero."""
        balances = self.balances(root)[:-1]
        return all(balance >= 0 for balance in balances) or all(balance <= 0 for balance in balances)

    def root_between(self, low: Decimal, high: Decimal) -> Decimal | None:
        """Where the value changes its sign between two growth factors; None if their values have the same sign.

        By regula falsi (Illinois): of the two ends between which the root is, one is held and the other is the newest.
        Ends of other magnitudes come closer first: a straight line between 10^400 and 10^1700 leads nowhere.
        """
        held, newest = low, high
        at_held, at_newest = self.at(held), self.at(newest)
        if not _differ(at_held, at_newest):
            return None
        while newest > held * WIDE:
            middle = (held * newest).sqrt()
            at_middle = self.at(middle)
            if not at_middle:
                return middle if self.changes_sign_at(middle) else None
            if _differ(at_held, at_middle):
                newest, at_newest = middle, at_middle
            else:
                held, at_held = middle, at_middle
        for _ in range(STEPS):
            root = newest - at_newest * (newest - held) / (at_newest - at_held)
            if self.changes_sign_at(root):
                return root
            at_root = self.at(root)
            if _differ(at_root, at_newest):
                held, at_held = newest, at_newest
            else:
                at_held /= 2
            newest, at_newest = root, at_root
        return None

    def changes_sign_at(self, root: Decimal) -> bool:
        return _differ(self.at(root * (1 - CLOSE)), self.at(root * (1 + CLOSE)))

    def slope(self, growth: Decimal) -> Decimal:
        """How fast the value rises with the logarithm of the growth of a day."""
        day = growth ** (1 / YEAR)
        balance, slope = self.first, Decimal(0)
        for gap, amount in self.later:
            factor = day**gap
            slope, balance = (slope + gap * balance) * factor, balance * factor + amount
        return slope

    def roots(self, known: Decimal | None) -> list[Decimal]:
        """Every sign change between points of the grid, refined, with the root that is known already.

        Two that lie between the same two points are seen where the value falls towards zero and rises again between
        them, or where one of them is known.
        """
        growths = [exponent.exp() for exponent in GRID]
        if known is not None:
            growths = sorted([*growths, known * (1 - CLOSE), known * (1 + CLOSE)])
        points: list[_Point] = []
        for growth in growths:
            try:
                points.append(_Point(growth, self.at(growth)))
            except Overflow:
                continue
        points = sorted([*points, *self.dips(points)])
        roots = [
            self.root_between(low.growth, high.growth)
            for low, high in pairwise(points)
            if _differ(low.value, high.value)
        ]
        exact = [growth for growth, value in points if not value and self.changes_sign_at(growth)]
        return sorted([*exact, *(root for root in roots if root is not None)])

    def dips(self, points: Sequence[_Point]) -> Iterator[_Point]:
        """Points of the other sign between two neighbours of the same one, of which one is nearest to zero."""
        for place, (low, high) in enumerate(pairwise(points)):
            if not low.value or not high.value or _differ(low.value, high.value):
                continue
            before, after = points[max(place - 1, 0)], points[min(place + 2, len(points) - 1)]
            if _is_nearest(before, low, high) or _is_nearest(low, high, after):
                dip = self.dip_between(low, high)
                if dip is not None:
                    yield dip

    def dip_between(self, low: _Point, high: _Point) -> _Point | None:
        """A point of the other sign between two, looked for where the value turns. None where it turns before zero."""
        sign = 1 if low.value > 0 else -1
        falls, rises = sign * self.slope(low.growth), sign * self.slope(high.growth)
        for _ in range(DIP_STEPS):
            width = (high.growth / low.growth).ln() / YEAR
            if falls >= 0 or rises <= 0:
                return None
            if sign * (low.value * rises - high.value * falls) > -2 * falls * rises * width:
                return None  # both tangents meet far from zero
            growth = (low.growth * high.growth).sqrt()
            middle = _Point(growth, self.at(growth))
            if _differ(middle.value, low.value):
                return middle
            slope = sign * self.slope(growth)
            if slope < 0:
                low, falls = middle, slope
            else:
                high, rises = middle, slope
        return None


def _is_nearest(before: _Point, point: _Point, after: _Point) -> bool:
    """Whether a point is at least as near to zero as its neighbours; one of the other sign is none."""
    return all(
        abs(point.value) <= abs(other.value) or _differ(point.value, other.value) for other in (before, after)
    )


def _differ(first: Decimal, second: Decimal) -> bool:
    """Whether one is above zero and the other below."""
    return (first > 0 > second) or (first < 0 < second)
