"""Encodes an asset's values of one month in one row: which days have a value, and the values, eight bytes each.

Day d is bit d - 1 of an integer. The values are in the order of their days, in ten-thousandths. A decade of daily
values takes 120 rows instead of 3,650.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple


class EncodedMonth(NamedTuple):
    """`days` has a bit for each day of the month with a value; `amounts` are the values in ten-thousandths."""

    days: int
    amounts: bytes


NOTHING = EncodedMonth(0, b"")


def encode_months(values: Iterable[tuple[date, int]]) -> Iterator[tuple[date, EncodedMonth]]:
    """(first day of the month, encoded values) for each month. The values are ordered by day, one for each day."""
    for month, of_month in groupby(values, key=lambda value: value[0].replace(day=1)):
        dated = list(of_month)
        yield (
            month,
            EncodedMonth(sum(1 << on.day - 1 for on, _ in dated), _bytes([value for _, value in dated])),
        )


@lru_cache(maxsize=1024)
def days_in(month: date, days: int) -> tuple[date, ...]:
    first = month.toordinal()
    return tuple(date.fromordinal(first + bit) for bit in range(days.bit_length()) if days >> bit & 1)


def amounts_in(amounts: bytes) -> array[int]:
    """The values of one month, or of several months whose bytes were joined."""
    values = array("q", amounts)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _bytes(values: list[int]) -> bytes:
    amounts = array("q", values)
    if sys.byteorder == "big":
        amounts.byteswap()
    return amounts.tobytes()
