"""Which price of a day counts: that of the newest load. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from assets.prices.codec import Encoded, encode, numbers_in, ordinals_in, rescaled
from assets.prices.conversion import NOT_ADJUSTED


class YearOfPrices(NamedTuple):
    """The prices of a year that count, by day: numbers in units of 10**-scale.

    `adjusted_to` has the ordinal of the day up to which each is divided by later splits, NOT_ADJUSTED for none.
    """

    year: int
    ordinals: Sequence[int]
    numbers: Sequence[int]
    scale: int
    adjusted_to: Sequence[int]


class Pack(NamedTuple):
    """A year of prices, as it is stored."""

    encoded: Encoded
    adjustments: str

    @property
    def is_forgotten(self) -> bool:
        return self.encoded.year == FORGOTTEN


FORGOTTEN = 0  # a year: the packs of the instrument were deleted, although there are blocks
FORGOTTEN_PACK = Pack(Encoded(FORGOTTEN, 0, b"", 0, 4, b""), "")


def merged(year: int, blocks: Iterable[tuple[Encoded, int]]) -> YearOfPrices:
    """The prices of a year from blocks, the oldest load first, each with the day that its prices are adjusted to."""
    newest: dict[int, tuple[int, int, int]] = {}
    for block, adjusted_to in blocks:
        numbers = numbers_in(block.width, block.prices)
        for ordinal, number in zip(
            ordinals_in(year, block.first_day, bytes(block.days)), numbers, strict=True
        ):
            newest[ordinal] = number, block.scale, adjusted_to
    return _year(year, newest)


def updated(pack: YearOfPrices | None, newer: YearOfPrices) -> YearOfPrices:
    """The prices of a year after some of them were replaced or added."""
    if pack is None:
        return newer
    if newer.ordinals[0] > pack.ordinals[-1]:  # nearly always: the prices of a new day
        return joined([pack, newer])
    scale = max(pack.scale, newer.scale)
    ordinals, adjusted_to = [*pack.ordinals], [*pack.adjusted_to]
    numbers = [*rescaled(pack.numbers, pack.scale, scale)]
    new_numbers = rescaled(newer.numbers, newer.scale, scale)
    for ordinal, number, adjusted in zip(newer.ordinals, new_numbers, newer.adjusted_to, strict=True):
        place = bisect_left(ordinals, ordinal)
        end = place + (ordinals[place : place + 1] == [ordinal])  # this far it is replaced
        ordinals[place:end], numbers[place:end], adjusted_to[place:end] = [ordinal], [number], [adjusted]
    return YearOfPrices(pack.year, ordinals, numbers, scale, adjusted_to)


def _year(year: int, newest: dict[int, tuple[int, int, int]]) -> YearOfPrices:
    ordinals = sorted(newest)
    scale = max((scale for _, scale, _ in newest.values()), default=0)
    numbers = [number * 10 ** (scale - own) for number, own, _ in (newest[ordinal] for ordinal in ordinals)]
    return YearOfPrices(year, ordinals, numbers, scale, [newest[ordinal][2] for ordinal in ordinals])


# --- packs ---


def packed(prices: YearOfPrices) -> Pack:
    """The same prices always give the same pack: the scale is the smallest that holds all of them."""
    numbers, scale = prices.numbers, prices.scale
    while scale and not any(number % 10 for number in numbers):
        numbers, scale = [number // 10 for number in numbers], scale - 1
    encoded = encode(prices.year, prices.ordinals, numbers, scale)
    return Pack(encoded, adjustments_text(prices.adjusted_to))


def unpacked(pack: Pack) -> YearOfPrices:
    encoded = pack.encoded
    ordinals = ordinals_in(encoded.year, encoded.first_day, encoded.days)
    numbers = numbers_in(encoded.width, encoded.prices)
    adjusted_to = adjusted_days(pack.adjustments, len(ordinals))
    return YearOfPrices(encoded.year, ordinals, numbers, encoded.scale, adjusted_to)


def adjustments_text(adjusted_to: Sequence[int]) -> str:
    """Runs of equal days, as PackedPrices describes them; empty where no price is adjusted."""
    if not any(adjusted_to):
        return ""
    runs = [(day, len([*run])) for day, run in groupby(adjusted_to)]
    return ",".join(f"{count}:{day or ''}" for day, count in runs)


def adjusted_days(text: str, count: int) -> list[int]:
    if not text:
        return [NOT_ADJUSTED] * count
    return [day for day, length in _runs(text) for _ in range(length)]


def _runs(text: str) -> Iterator[tuple[int, int]]:
    for run in text.split(","):
        length, _, day = run.partition(":")
        yield int(day or NOT_ADJUSTED), int(length)


def joined(years: Sequence[YearOfPrices]) -> YearOfPrices:
    """Several years, ascending, in one scale. The year of the result is that of the first."""
    scale = max((prices.scale for prices in years), default=0)
    ordinals: list[int] = []
    numbers: list[int] = []
    adjusted_to: list[int] = []
    for prices in years:
        ordinals += prices.ordinals
        numbers += rescaled(prices.numbers, prices.scale, scale)
        adjusted_to += prices.adjusted_to
    return YearOfPrices(years[0].year if years else 0, ordinals, numbers, scale, adjusted_to)
