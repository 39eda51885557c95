"""Encodes how much of an asset is held from which day on: the days as ordinals, and the quantities as text.

A quantity in 10^-18 may have 38 digits, and is a fraction where a ratio of shares does not divide.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from assets.valuation.formulas.market import Held


class EncodedQuantities(NamedTuple):
    """`units` are separated by commas, one for each of the days."""

    days: bytes
    units: str


def encode_quantities(held: Held) -> EncodedQuantities:
    days = array("i", [on.toordinal() for on in held.days])
    if sys.byteorder == "big":
        days.byteswap()
    return EncodedQuantities(days.tobytes(), ",".join(map(str, held.units)))


def decode_quantities(encoded: EncodedQuantities, since: date = date.min) -> Held:
    """The quantities from the one that is held at the end of the day `since` on. Before it whether anything was ever
    held is all that is kept: as one day of the first quantity that is not zero.
    """
    days = array("i", encoded.days)
    if sys.byteorder == "big":
        days.byteswap()
    texts = encoded.units.split(",") if encoded.units else []
    place = max(bisect_right(days, since.toordinal()) - 1, 0)
    first = next((number for number in range(place) if texts[number] != "0"), place)
    numbers = [*([first] if first < place else []), *range(place, len(texts))]
    return Held([date.fromordinal(days[number]) for number in numbers], _units(texts[n] for n in numbers))


def _units(texts: Iterable[str]) -> list[int | Fraction]:
    return [Fraction(text) if "/" in text else int(text) for text in texts]
