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

from collections.abc import Iterable, Sequence
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
        growths = value.roots()
        if growth is not None and not any(abs(growth - other) <= CLOSE * growth for other in growths):
            growths.append(growth)
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
        """
        held, newest = low, high
        at_held, at_newest = self.at(held), self.at(newest)
        if not _differ(at_held, at_newest):
            return None
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

    def roots(self) -> list[Decimal]:
        """Every sign change between points of the grid, refined. What changes twice between two points is not seen."""
        points: list[tuple[Decimal, Decimal]] = []
        for exponent in GRID:
            growth = exponent.exp()
            try:
                points.append((growth, self.at(growth)))
            except Overflow:
                continue
        roots = [
            self.root_between(low, high)
            for (low, at_low), (high, at_high) in pairwise(points)
            if _differ(at_low, at_high)
        ]
        exact = [growth for growth, value in points if not value and self.changes_sign_at(growth)]
        return sorted([*exact, *(root for root in roots if root is not None)])


def _differ(first: Decimal, second: Decimal) -> bool:
    """Whether one is above zero and the other below."""
    return (first > 0 > second) or (first < 0 < second)
