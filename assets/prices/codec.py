"""Encodes the prices of an instrument and a year in one row: which days have a price, and the prices.

A price is a whole number over 10**scale; a day is its ordinal, as `date.toordinal` gives it. Bit i of `days`, from the
lowest of the first byte on, is the day `first_day` + i of the year, where 0 is 1 January. A price is below 10**20 and
has at most 18 places, so it fits into 16 bytes; nearly all fit into 4.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

WIDTHS = {4: "i", 8: "q"}  # bytes of a number, and its type in an array


class Encoded(NamedTuple):
    """The prices of one year, as they are stored."""

    year: int
    first_day: int
    days: bytes
    scale: int
    width: int
    prices: bytes


def encode(year: int, ordinals: Sequence[int], numbers: Sequence[int], scale: int) -> Encoded:
    """Prices of days of the year, ascending; `numbers` are in units of 10**-scale."""
    first_day, bits = _bits(year, tuple(ordinals))
    most = max(numbers)
    width = 4 if most < 2**31 else 8 if most < 2**63 else 16
    return Encoded(year, first_day, bits, scale, width, _bytes(numbers, width))


@lru_cache(maxsize=512)  # instruments of one exchange have prices on the same days
def _bits(year: int, ordinals: tuple[int, ...]) -> tuple[int, bytes]:
    first, last = ordinals[0], ordinals[-1]
    bits = sum(1 << ordinal - first for ordinal in ordinals)
    return first - date(year, 1, 1).toordinal(), bits.to_bytes((last - first) // 8 + 1, "little")


@lru_cache(maxsize=512)
def ordinals_in(year: int, first_day: int, days: bytes) -> tuple[int, ...]:
    """The days with a price, ascending."""
    first, bits = date(year, 1, 1).toordinal() + first_day, int.from_bytes(days, "little")
    return tuple(first + bit for bit in range(bits.bit_length()) if bits >> bit & 1)


@lru_cache(maxsize=512)
def days_in(year: int, first_day: int, days: bytes) -> tuple[date, ...]:
    return tuple(map(date.fromordinal, ordinals_in(year, first_day, days)))


def numbers_in(width: int, prices: bytes) -> Sequence[int]:
    """The prices, in units of 10**-scale."""
    if width not in WIDTHS:
        return [
            int.from_bytes(prices[place : place + width], "little") for place in range(0, len(prices), width)
        ]
    numbers = array(WIDTHS[width], prices)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(numbers: Sequence[int], width: int) -> bytes:
    if width not in WIDTHS:
        return b"".join(number.to_bytes(width, "little") for number in numbers)
    encoded = array(WIDTHS[width], numbers)
    if sys.byteorder == "big":
        encoded.byteswap()
    return encoded.tobytes()


def rescaled(numbers: Sequence[int], scale: int, wanted: int) -> Sequence[int]:
    """The same prices in units of 10**-wanted, which has no fewer places."""
    if scale == wanted:
        return numbers
    factor = 10 ** (wanted - scale)
    return [number * factor for number in numbers]
