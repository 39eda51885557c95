"""Net worth on a series of days: assets, liabilities, groups, and the amounts without a rate.

Amounts are converted at the rates of their own day, never at today's. The figures are rounded so that they add
up: assets + liabilities = net, and the groups add up to net as well unless an asset is in two of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from operator import add, mul
from typing import Any, NamedTuple

from assets.rates.book import DayRates, RateBook
from assets.valuation.protocol import PriceGap
from assets.valuation.series import MONEY_PLACES, Column, Missing, Totals, money
from reports.calculations.order import by_key
from reports.calculations.rounding import apportion, half_even, in_places

type _Amounts = tuple[str, Iterable[int]]

ONE = Fraction(1)


class Point(NamedTuple):
    """Net worth on a day, rounded to the requested places.

    `assets` >= 0 and `liabilities` <= 0 are the sums of the assets' values above and below zero on that day.
    `groups` is each group's net; None is for assets in no group. `missing_rates` names, by currency, the net
    amount that all of these leave out, and `missing_prices` the assets that they leave out.
    """

    on: date
    assets: Decimal
    liabilities: Decimal
    net: Decimal
    groups: Mapping[Hashable, Decimal]
    missing_rates: tuple[Missing, ...]
    missing_prices: tuple[PriceGap, ...] = ()

    @property
    def complete(self) -> bool:
        return not (self.missing_rates or self.missing_prices)


def net_worth(
    totals: Totals,
    *,
    currency: str,
    places: int,
    rates: RateBook,
    grouped: bool = False,
    factors: Sequence[Fraction | None] | None = None,
) -> list[Point]:
    """One point for each day of `totals`, in `currency`, rounded to `places` (the currency's minor unit).

    `factors` has a number for each day by which its amounts are multiplied before they are rounded, such as those of
    real_terms; a day whose factor is None has no point.

    `net` is rounded half to even from the exact sum; its parts are rounded by largest remainder. With `grouped`
    every group of `totals` is in every point. If groups overlap (Totals.overlap), each is rounded separately,
    because they do not add up to the total anyway.
    """
    columns = _by_currency(totals)
    lines = list(rates.grid(currency, columns, totals.days))
    table = {source: [line.numerators.get(source, 0) for line in lines] for source in columns}
    owned = _converted(((source, column.owned) for source, column in columns.items()), table, len(lines))
    in_debt = {source: column.owed for source, column in columns.items() if any(column.owed)}
    owed = _converted(in_debt.items(), table, len(lines))
    members = _by_group(totals) if grouped else {}
    groups = {key: _converted(amounts, table, len(lines)) for key, amounts in members.items()}
    parts = _Parts(places, overlap=totals.overlap)
    points = []
    factors = factors or [ONE] * len(lines)
    for number, (line, factor, own, owe) in enumerate(zip(lines, factors, owned, owed, strict=True)):
        if factor is not None:
            nets = {key: nets[number] for key, nets in groups.items()} if groups else NO_GROUPS
            shown = parts.of(line.denominator, factor, own, owe, nets)
            missing = _missing(line, columns, number, currency) if line.lacking else ()
            points.append(Point(line.on, *shown, missing))
    return points


def _by_currency(totals: Totals) -> dict[str, Column]:
    """One column for each currency, added up over all groups."""
    by_currency: dict[str, list[Column]] = {}
    for (_, source), column in totals.columns.items():
        by_currency.setdefault(source, []).append(column)
    return {
        source: Column(
            _added([column.owned for column in columns]), _added([column.owed for column in columns])
        )
        for source, columns in sorted(by_currency.items())
    }


def _by_group(totals: Totals) -> dict[Hashable, list[_Amounts]]:
    """The nets of each group, currency by currency."""
    members: dict[Hashable, list[_Amounts]] = {}
    for (keys, source), column in totals.columns.items():
        for key in dict.fromkeys(keys) or (None,):
            members.setdefault(key, []).append((source, map(add, column.owned, column.owed)))
    return by_key(members)


def _added(rows: Sequence[Sequence[int]]) -> Sequence[int]:
    total = rows[0]
    for row in rows[1:]:
        total = list(map(add, total, row))
    return total


def _converted(columns: Iterable[_Amounts], table: Mapping[str, Sequence[int]], length: int) -> list[int]:
    """The columns added up, each day over that day's denominator; an amount without a rate counts as zero."""
    total = [0] * length
    for source, amounts in columns:
        total = list(map(add, total, map(mul, amounts, table[source])))
    return total


def _missing(
    line: DayRates, columns: Mapping[str, Column], number: int, currency: str
) -> tuple[Missing, ...]:
    sides = {source: (column.owned[number], column.owed[number]) for source, column in columns.items()}
    return tuple(
        Missing(code, line.on, money(sum(amounts)), "" if code == source else source)
        for source, amounts in sides.items()
        if any(amounts) and source not in line.numerators
        for code in (source, currency)
        if code in line.lacking
    )


type _Shown = tuple[Decimal, Decimal, Decimal, Mapping[Hashable, Decimal]]
NO_GROUPS: Mapping[Hashable, int] = {}


class _Parts:
    """What is owned, what is owed, the net and the groups of a day, rounded. Many days have those of the day before."""

    def __init__(self, places: int, *, overlap: bool) -> None:
        self.places, self.unit, self.overlap = places, 10**places, overlap
        self.given: tuple[Any, ...] | None = None
        self.shown: _Shown

    def of(
        self, denominator: int, factor: Fraction, owned: int, owed: int, nets: Mapping[Hashable, int]
    ) -> _Shown:
        """Of whole numbers over the denominator of the day, times the factor."""
        given = owned, denominator, owed, nets, factor
        if given != self.given:
            unit = denominator * 10**MONEY_PLACES * factor.denominator
            self.given, self.shown = (
                given,
                self._rounded(unit, self.unit * factor.numerator, owned, owed, nets),
            )
        return self.shown

    def _rounded(self, unit: int, scale: int, owned: int, owed: int, nets: Mapping[Hashable, int]) -> _Shown:
        places = self.places
        net = half_even((owned + owed) * scale, unit)
        shown_net = in_places(net, places)
        if owed:
            sides = (in_places(side, places) for side in _parted((owned, owed), unit, net, scale))
            assets, liabilities = sides
        else:
            assets, liabilities = shown_net, in_places(0, places)
        if not nets:
            return assets, liabilities, shown_net, {}
        scaled = [value * scale for value in nets.values()]
        overlapping = [half_even(value, unit) for value in scaled] if self.overlap else None
        units = apportion(scaled, unit, net) if overlapping is None else overlapping
        groups = {key: in_places(count, places) for key, count in zip(nets, units, strict=True)}
        return assets, liabilities, shown_net, groups


def _parted(sides: tuple[int, int], unit: int, net: int, scale: int) -> Sequence[int]:
    """What is owned and what is owed, rounded so that they add up to `net`."""
    owned, owed = sides[0] * scale, sides[1] * scale
    down = owned // unit, owed // unit
    return down if sum(down) == net else apportion([owned, owed], unit, net)
