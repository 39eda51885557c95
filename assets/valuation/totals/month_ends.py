"""Totals on the ends of months, from the last value of each month: pure calculations.

An end of a month is its last day. The newest value on or before it is the last one of the newest month that has any.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import repeat
from operator import add, itemgetter

from assets.valuation.series import Column, Keys, Totals

MONTHS_A_DAY = (
    8  # measured: with days farther apart, looking values up is faster than reading the months between
)
OTHER_DAYS = 2  # the first and the last day of a series need not be the end of a month
SAME_MONTHS = 16  # many assets have values in exactly the same months

type Amounts = Sequence[int]


def is_end(on: date) -> bool:
    return on == date.max or (on + timedelta(days=1)).day == 1


def are_ends(days: Sequence[date]) -> bool:
    """Whether these days (ascending) are ends of months, apart from a few, and near enough to each other."""
    ends = [on for on in days if is_end(on)]
    if len(ends) < 2 or len(days) - len(ends) > OTHER_DAYS:
        return False
    months = (ends[-1].year - ends[0].year) * 12 + ends[-1].month - ends[0].month
    return months <= MONTHS_A_DAY * len(ends)


def values_on_ends(
    months: Sequence[date], values: Sequence[int | None], ends: Sequence[date], disposed_on: date | None
) -> list[int]:
    """The value on each of `ends`, 0 where there is none, from the last values of months (their first days)."""
    amounts = _picker(tuple(months), tuple(ends))((0, *values))
    counted = len(ends) if disposed_on is None else bisect_left(ends, disposed_on)
    return [*(value or 0 for value in amounts[:counted]), *repeat(0, len(ends) - counted)]


@lru_cache(SAME_MONTHS)
def _picker(
    months: tuple[date, ...], ends: tuple[date, ...]
) -> Callable[[Sequence[int | None]], Sequence[int | None]]:
    """Picks for each end the value of the newest month up to it: number 0 is before the first."""
    places = [bisect_right(months, on) for on in ends]
    return itemgetter(*places) if len(places) > 1 else lambda values: [values[place] for place in places]


def totals_of_values(assets: Iterable[tuple[Keys, str, Sequence[int]]], days: Sequence[date]) -> Totals:
    """The totals of assets that are given as (groups, currency, a value for each of `days`)."""
    owned: dict[tuple[Keys, str], Amounts] = {}
    owed: dict[tuple[Keys, str], Amounts] = {}
    nothing = [0] * len(days)
    for keys, currency, values in assets:
        key = (keys, currency)
        has_debts, has_assets = min(values) < 0, max(values) > 0
        if has_assets:
            _add_to(owned, key, [max(value, 0) for value in values] if has_debts else values)
        if has_debts:
            _add_to(owed, key, [min(value, 0) for value in values] if has_assets else values)
    columns = {
        key: Column(tuple(owned.get(key, nothing)), tuple(owed.get(key, nothing))) for key in owned | owed
    }
    return Totals(tuple(days), columns)


def _add_to(sums: dict[tuple[Keys, str], Amounts], key: tuple[Keys, str], values: Amounts) -> None:
    known = sums.get(key)
    sums[key] = values if known is None else list(map(add, known, values))


def joined(parts: Sequence[Totals], days: Sequence[date]) -> Totals:
    """Totals of the same assets on different days, as the totals on all of these days."""
    places = [(part, number) for part in parts for number in range(len(part.days))]
    order = dict(zip((part.days[number] for part, number in places), places, strict=True))
    keys = dict.fromkeys(key for part in parts for key in part.columns)
    return Totals(tuple(days), {key: _column(key, [order[on] for on in days]) for key in keys})


def _column(key: tuple[Keys, str], places: Iterable[tuple[Totals, int]]) -> Column:
    figures = list(_figures(key, places))
    return Column(tuple(owned for owned, _ in figures), tuple(owed for _, owed in figures))


def _figures(key: tuple[Keys, str], places: Iterable[tuple[Totals, int]]) -> Iterator[tuple[int, int]]:
    for part, number in places:
        column = part.columns.get(key)
        yield (0, 0) if column is None else (column.owned[number], column.owed[number])
