"""Encodes an asset's values of one month in one row: which days have a value, and the values, eight bytes each.

Day d is bit d - 1 of an integer. The values are in the order of their days, in ten-thousandths. A decade of daily
values takes 120 rows instead of 3,650. A gap, a day from which on there is no value, is the least number of eight
bytes, which is no amount of money.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple, cast


class EncodedMonth(NamedTuple):
    """`days` has a bit for each day of the month with a value; `amounts` are the values in ten-thousandths."""

    days: int
    amounts: bytes


NOTHING = EncodedMonth(0, b"")
WIDTH = 8  # bytes of a value
MOST_OF_A_MONTH = 31
GAP = -(2**63)
GAP_BYTES = GAP.to_bytes(WIDTH, "little", signed=True)


def encode_months(days: Sequence[date], amounts: Sequence[int | None]) -> Iterator[tuple[date, EncodedMonth]]:
    """(first day of the month, encoded values) for each month. The values are ordered by day, one for each day."""
    for month, bits, encoded in encoded_rows(days, amounts):
        yield month, EncodedMonth(bits, encoded)


def encoded_rows(days: Sequence[date], amounts: Sequence[int | None]) -> Iterable[tuple[date, int, bytes]]:
    """The same without an object for each month: to insert those of hundreds of assets."""
    if not days:
        return ()
    first = bisect_right(days, last_of_month(days[0].replace(day=1)))
    # Many assets have other days in their first month alone.
    later = _kept_months if len(days) > first + MOST_OF_A_MONTH else _months
    runs = (*_months(tuple(days[:first])), *later(tuple(days[first:])))
    encoded = _bytes(amounts)
    ends = accumulate((WIDTH * count for _, count, _ in runs), initial=0)
    return (
        (month, bits, encoded[begin:end])
        for (month, _, bits), (begin, end) in zip(runs, pairwise(ends), strict=True)
    )


def _months(days: tuple[date, ...]) -> list[tuple[date, int, int]]:
    """(first day, number of days, bit for each of the days) of each month in which some of the days are."""
    months, count, begin = [], len(days), 0
    while begin < count:
        month = days[begin].replace(day=1)
        end = bisect_right(days, last_of_month(month), begin, min(begin + MOST_OF_A_MONTH, count))
        months.append((month, end - begin, bits_of(days[begin:end])))
        begin = end
    return months


_kept_months = lru_cache(maxsize=16)(_months)


@lru_cache(maxsize=1024)
def last_of_month(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


@lru_cache(maxsize=4096)  # many assets have values on the same days
def bits_of(days: tuple[date, ...]) -> int:
    """The days of one month as bits of an integer."""
    return sum(1 << on.day - 1 for on in days)


@lru_cache(maxsize=1024)
def days_in(month: date, days: int) -> tuple[date, ...]:
    first = month.toordinal()
    return tuple(date.fromordinal(first + bit) for bit in range(days.bit_length()) if days >> bit & 1)


def amounts_in(amounts: bytes) -> Sequence[int | None]:
    """The values of one month, or of several months whose bytes were joined. Without gaps it is an array."""
    values = array("q", amounts)
    if sys.byteorder == "big":
        values.byteswap()
    # The search in bytes is fast; what it finds may also be parts of two values.
    return [None if value == GAP else value for value in values] if GAP_BYTES in amounts else values


def _bytes(values: Sequence[int | None]) -> bytes:
    try:
        amounts = array("q", cast("Sequence[int]", values))
    except TypeError:  # there is a None, which it finds faster than a search
        amounts = array("q", without_none(values, GAP, [*places_of_none(values)]))
    if sys.byteorder == "big":
        amounts.byteswap()
    return amounts.tobytes()


def without_none(values: Sequence[int | None], number: int, places: Collection[int]) -> Sequence[int]:
    """The values with a number in place of each None, which are at these places. Mostly there are few, or none."""
    if not places:
        return cast("Sequence[int]", values)
    numbers = [*values]
    for place in places:
        numbers[place] = number
    return cast("list[int]", numbers)


def places_of_none(values: Sequence[int | None]) -> Iterator[int]:
    place = -1
    with suppress(ValueError):
        while not isinstance(values, array):  # an array holds numbers alone
            yield (place := values.index(None, place + 1))
