"""Encodes the deltas of one month in one row: on which days something changed, and by how much.

Day d is bit d - 1 of an integer. The amounts are in the order of their days, in ten-thousandths, eight bytes each, or
sixteen each where one of them needs more; where all are zero, there are no bytes.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from assets.valuation.codecs.months import bits_of, last_of_month

NARROW, WIDE = 8, 16  # bytes


class DayDelta(NamedTuple):
    """By how much what is owned and what is owed rose on a day, in ten-thousandths, negative for a fall; and how many
    assets had their first value on it.
    """

    owned: int
    owed: int
    begun: int = 0


class EncodedDeltas(NamedTuple):
    """`days` has a bit for each day of the month with a change; the others have a number for each of these, encoded."""

    days: int
    owned: bytes
    owed: bytes
    begun: bytes


def by_month[Day: Sequence[int]](deltas: Mapping[date, Day]) -> Iterator[tuple[date, dict[date, Day]]]:
    """(first day of the month, its deltas by day, in order) for each month."""
    days, begin = sorted(deltas), 0
    while begin < len(days):
        month = days[begin].replace(day=1)
        end = bisect_right(days, last_of_month(month), begin)
        yield month, {on: deltas[on] for on in days[begin:end]}
        begin = end


def encode_deltas(deltas: Mapping[date, Sequence[int]]) -> EncodedDeltas:
    """The deltas of one month, as (owned, owed, begun) by day. Days without a change are left out."""
    changed = {on: deltas[on] for on in sorted(deltas) if any(deltas[on])}
    if not changed:
        return EncodedDeltas(0, b"", b"", b"")
    columns = map(encode_numbers, zip(*changed.values(), strict=True))
    return EncodedDeltas(bits_of(tuple(changed)), *columns)


def decode_deltas(month: date, encoded: EncodedDeltas) -> dict[date, DayDelta]:
    """The deltas by day. Raises ValueError where the bytes are not what the days ask for."""
    first, bits = month.toordinal(), offsets(encoded.days)
    columns = (decode_numbers(column, len(bits)) for column in encoded[1:])
    return {
        date.fromordinal(first + bit): DayDelta(*delta) for bit, *delta in zip(bits, *columns, strict=True)
    }


def offsets(days: int) -> list[int]:
    """The days as numbers from 0."""
    return [bit for bit in range(days.bit_length()) if days >> bit & 1]


def encode_numbers(numbers: Sequence[int]) -> bytes:
    if not any(numbers):
        return b""
    try:
        return _swapped(array("q", numbers)).tobytes()
    except OverflowError:
        return b"".join(number.to_bytes(WIDE, "little", signed=True) for number in numbers)


def decode_numbers(encoded: bytes, count: int) -> Sequence[int]:
    """So many numbers. Raises ValueError for another number of bytes than these take."""
    if not encoded:
        return [0] * count
    if len(encoded) == NARROW * count:
        return _swapped(array("q", encoded))
    if len(encoded) == WIDE * count:
        parts = (encoded[start : start + WIDE] for start in range(0, len(encoded), WIDE))
        return [int.from_bytes(part, "little", signed=True) for part in parts]
    raise ValueError(f"{len(encoded)} bytes are not {count} numbers")


def _swapped(numbers: array[int]) -> array[int]:
    """To and from the order of bytes that is stored."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def total(deltas: Iterable[Sequence[int]]) -> tuple[int, int]:
    """(owned, owed): the sums."""
    owned = owed = 0
    for delta in deltas:
        owned += delta[0]
        owed += delta[1]
    return owned, owed
