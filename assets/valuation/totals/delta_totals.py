"""Running totals on a series of days, from the deltas of months. Gives the same as `series.fold`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from operator import add
from typing import NamedTuple

from assets.valuation.codecs.deltas import decode_numbers, offsets
from assets.valuation.series import Column, Keys, Totals


class MonthOfDeltas(NamedTuple):
    """The deltas of one month: their sums in ten-thousandths, and, encoded, those of its days.

    The days are only needed for a month that `months_by_day` names. Earlier months may be one sum, at any month before.
    """

    month: date  # its first day
    owned_sum: int
    owed_sum: int
    days: int = 0
    owned: bytes = b""
    owed: bytes = b""


def months_by_day(days: Sequence[date]) -> set[date]:
    """The months of which more than the sum is needed: a day of the series is in them, but is not their last day."""
    months: dict[tuple[int, int], date] = {}
    for day in days:
        key = day.year, day.month
        if key not in months and (day + timedelta(days=1)).day != 1:
            months[key] = day.replace(day=1)
    return set(months.values())


def running_totals(rows: Iterable[tuple[Keys, str, MonthOfDeltas]], days: Sequence[date]) -> Totals:
    """Totals on `days` (each once, ascending) from (groups, currency, month), in any order."""
    ordinals, length = [day.toordinal() for day in days], len(days)
    by_day = months_by_day(days)
    is_daily = length > 0 and ordinals[-1] - ordinals[0] == length - 1

    @cache
    def place_of(month: date) -> int:
        """The first of the days on or after the end of the month."""
        return bisect_left(ordinals, _last_day(month))

    @cache
    def places_of(month: date, bits: int) -> tuple[slice, int] | list[int]:
        """For each delta the first of the days that includes it; a slice, and its length, where all are in a row."""
        first = month.toordinal()
        if is_daily:
            places = [max(first + bit - ordinals[0], 0) for bit in offsets(bits)]
        else:
            places = [bisect_left(ordinals, first + bit) for bit in offsets(bits)]
        inside = sum(place < length for place in places)  # later ones are of no day
        if places[:inside] == list(range(places[0], places[0] + inside)):
            return slice(places[0], places[0] + inside), inside
        return places[:inside]

    sums: dict[tuple[Keys, str], tuple[list[int], list[int]]] = {}
    for keys, currency, row in rows:
        key = keys, currency
        if key not in sums:
            sums[key] = [0] * length, [0] * length
        owned, owed = sums[key]
        if row.month in by_day:
            if row.days:
                places, count = places_of(row.month, row.days), row.days.bit_count()
                for column, encoded in ((owned, row.owned), (owed, row.owed)):
                    if encoded:
                        _add(column, places, decode_numbers(encoded, count))
        elif (place := place_of(row.month)) < length:
            owned[place] += row.owned_sum
            owed[place] += row.owed_sum
    return Totals(
        tuple(days),
        {key: Column(*(tuple(accumulate(column)) for column in columns)) for key, columns in sums.items()},
    )


def _add(column: list[int], places: tuple[slice, int] | list[int], numbers: Sequence[int]) -> None:
    if isinstance(places, tuple):
        where, count = places
        column[where] = map(add, column[where], numbers[:count])
    else:
        for place, number in zip(places, numbers, strict=False):  # without those of later days
            column[place] += number


def _last_day(month: date) -> int:
    """The last day of the month, as an ordinal."""
    return (month + timedelta(days=31)).replace(day=1).toordinal() - 1
