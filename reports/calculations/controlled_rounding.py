"""Controlled rounding: a table with a row of totals, rounded so that every row and every column still adds up.

Each row adds up to zero (what there was, why it changed, and what there is now with its sign changed), and the total
is the sum of the rows. Rounded by itself, each number is the whole number just below or just above it; rounding rows
so that they add up leaves some columns too high and others too low. Units then move within rows, each from a number
that was rounded up to one that was rounded down, so that none ends further than one unit from its exact value. That
this is possible at all is known of tables with such totals (Bacharach 1966; Causey, Cox and Ernst 1985).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest

type Row = list[int]

# What may be moved, the least welcome last: numbers that have a rest, those in the totals, whole numbers, zeros.
RESTS, TOTALS, WHOLE, ZEROS = range(4)


def round_table(rows: Sequence[Sequence[int]], unit: int, total: Sequence[int]) -> tuple[list[Row], Row]:
    """The rows and the total in whole units (of `unit`): rows add up to zero, columns to what the total says.

    `total` is the rounded sum of the rows. Its first and last number stand; the others may change by a unit where
    the rows have no way to add up to them.
    """
    table = _Table(rows, unit, total)
    table.settle()
    *rounded, negated = table.units
    return rounded, [-number for number in negated]


class _Table:
    """The rows, and below them the total with its sign changed: so columns add up to zero as rows do.

    `errors` is what rounding has added to each number: positive where it went up, in the numbers' own scale.
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
        """The rows in which a unit moves from column to column with the least harm."""

        def ease(at: int) -> int:
            return min(self.errors[at][take], -self.errors[at][give])

        return nlargest(count, self._movable(take, give, level), key=ease)

    def _movable(self, take: int, give: int, level: int) -> Iterator[int]:
        """The rows in which neither number would end further than a unit from its exact value."""
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
        """One unit by way of other columns, where no row has room in both."""
        for level in (RESTS, TOTALS, WHOLE, ZEROS):
            if way := self._way(high, low, level):
                for take, give in way:
                    self._move(self._best(take, give, 1, level), take, give)
                return 1
        raise ArithmeticError("no rounding of the table adds up")

    def _way(self, high: int, low: int, level: int) -> list[tuple[int, int]]:
        """The shortest way from column to column; empty where there is none."""
        came_from = {high: high}
        waiting = [high]
        for column in waiting:
            for other in range(len(self.exact[-1])):
                if other not in came_from and any(True for _ in self._movable(column, other, level)):
                    came_from[other] = column
                    waiting.append(other)
        way = []
        while low in came_from and low != high:
            way.append((came_from[low], low))
            low = came_from[low]
        return way


def _rounded_row(row: Sequence[int], unit: int) -> tuple[Row, Row]:
    """A row in whole units that adds up to zero, by largest remainder, and what rounding added to each number."""
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
