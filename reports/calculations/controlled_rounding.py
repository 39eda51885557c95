"""Controlled rounding: a table with a row of totals is rounded so that every row and every column still adds up.

Each row adds up to zero (the start value, the parts of the change, and the end value with its sign changed), and the
total is the sum of the rows. First each row is rounded so that it adds up, each number to the whole number just below
or just above it; then some columns are too high and others too low. So units are moved within rows, each from a number
that was rounded up to one that was rounded down, so that no number is more than one unit from its exact value. For
tables with such totals this is always possible (Bacharach 1966; Causey, Cox and Ernst 1985).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest

type Row = list[int]

# Which numbers may be changed, the last resort last: those with a remainder, totals, whole numbers, zeros.
RESTS, TOTALS, WHOLE, ZEROS = range(4)


def round_table(rows: Sequence[Sequence[int]], unit: int, total: Sequence[int]) -> tuple[list[Row], Row]:
    """The rows and the total in whole units (of `unit`): each row adds up to zero, each column to the total.

    `total` is the rounded sum of the rows. Its first and last number do not change; the others may change by a unit
    if the rows cannot add up to them.
    """
    table = _Table(rows, unit, total)
    table.settle()
    *rounded, negated = table.units
    return rounded, [-number for number in negated]


class _Table:
    """The rows, and below them the total with its sign changed: so columns add up to zero like rows.

    `errors` is what rounding has added to each number, positive if it was rounded up, in the scale of the numbers.
    """

    def __init__(self, rows: Sequence[Sequence[int]], unit: int, total: Sequence[int]) -> None:
        self.unit = unit
        self.exact = [*rows, [-sum(column) for column in zip(*rows, strict=True)] or [0] * len(total)]
        rounded = [_rounded_row(row, unit) for row in rows]
        self.units = [units for units, _ in rounded]
        self.errors = [errors for _, errors in rounded]
        self.units.append([-number for number in total])
        last = zip(self.units[-1], self.exact[-1], strict=True)
        self.errors.append([units * unit - number for units, number in last])

    def settle(self) -> None:
        excess = [sum(column) for column in zip(*self.units, strict=True)]
        while any(excess):
            high, low = excess.index(max(excess)), excess.index(min(excess))
            count = min(excess[high], -excess[low])
            moved = self._move(self._best(high, low, count, RESTS), high, low) or self._move_along(high, low)
            excess[high] -= moved
            excess[low] += moved

    def _best(self, take: int, give: int, count: int, level: int) -> list[int]:
        """The rows in which moving a unit from column `take` to column `give` adds the smallest error."""

        def ease(at: int) -> int:
            return min(self.errors[at][take], -self.errors[at][give])

        return nlargest(count, self._movable(take, give, level), key=ease)

    def _movable(self, take: int, give: int, level: int) -> Iterator[int]:
        """The rows in which both numbers stay within a unit of their exact value after the move."""
        last = len(self.exact[-1]) - 1
        totals_too = level >= TOTALS and 0 not in (take, give) and last not in (take, give)
        for at in range(len(self.exact) - (not totals_too)):
            errors = self.errors[at]
            if errors[take] > 0 > errors[give] or (level >= WHOLE and self._reaches(at, take, give, level)):
                yield at

    def _reaches(self, at: int, take: int, give: int, level: int) -> bool:
        errors, exact = self.errors[at], self.exact[at]
        near = errors[take] >= 0 >= errors[give]
        return near and (
            level >= ZEROS or bool((errors[take] or exact[take]) and (errors[give] or exact[give]))
        )

    def _move(self, rows: Sequence[int], take: int, give: int) -> int:
        for at in rows:
            self.units[at][take] -= 1
            self.units[at][give] += 1
            self.errors[at][take] -= self.unit
            self.errors[at][give] += self.unit
        return len(rows)

    def _move_along(self, high: int, low: int) -> int:
        """Move one unit by way of other columns, because no row allows the direct move."""
        for level in (RESTS, TOTALS, WHOLE, ZEROS):
            if moves := self._shortest_path(high, low, level):
                for take, give in moves:
                    self._move(self._best(take, give, 1, level), take, give)
                return 1
        raise ArithmeticError("no rounding of the table adds up")

    def _shortest_path(self, high: int, low: int, level: int) -> list[tuple[int, int]]:
        """The shortest chain of moves from column to column; empty if there is none."""
        previous = {high: high}
        waiting = [high]
        for column in waiting:
            for other in range(len(self.exact[-1])):
                if other not in previous and any(True for _ in self._movable(column, other, level)):
                    previous[other] = column
                    waiting.append(other)
        moves = []
        while low in previous and low != high:
            moves.append((previous[low], low))
            low = previous[low]
        return moves


def _rounded_row(row: Sequence[int], unit: int) -> tuple[Row, Row]:
    """A row in whole units, rounded by largest remainder so that it adds up to zero; and the errors of rounding."""
    units, errors = [], []
    for number in row:
        whole, rest = divmod(number, unit)
        units.append(whole)
        errors.append(-rest)
    if lacking := -sum(units):
        for at in sorted(range(len(row)), key=errors.__getitem__)[:lacking]:
            units[at] += 1
            errors[at] += unit
    return units, errors
