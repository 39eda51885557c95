"""Encodes an asset's values of one month in one row: which days have a value, and the values, eight bytes each.

Day d is bit d - 1 of an integer. The values are in the order of their days, in ten-thousandths. A decade of daily
values takes 120 rows instead of 3,650. A gap, a day from which on there is no value, is the least number of eight
bytes, which is no amount of money.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple


class EncodedMonth(NamedTuple):
    """`days` has a bit for each day of the month with a value; `amounts` are the values in ten-thousandths."""

    days: int
    amounts: bytes


NOTHING = EncodedMonth(0, b"")
GAP = -(2**63)
GAP_BYTES = GAP.to_bytes(8, "little", signed=True)


def encode_months(values: Iterable[tuple[date, int | None]]) -> Iterator[tuple[date, EncodedMonth]]:
    """(first day of the month, encoded values) for each month. The values are ordered by day, one for each day."""
    for (year, month), of_month in groupby(values, key=_month_of):
        bits, amounts = 0, []
        for on, amount in of_month:
            bits |= 1 << on.day - 1
            amounts.append(amount)
        yield date(year, month, 1), EncodedMonth(bits, _bytes(amounts))


def _month_of(value: tuple[date, int | None]) -> tuple[int, int]:
    on = value[0]
    return on.year, on.month


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


def _bytes(values: list[int | None]) -> bytes:
    amounts = array("q", [GAP if value is None else value for value in values])
    if sys.byteorder == "big":
        amounts.byteswap()
    return amounts.tobytes()
