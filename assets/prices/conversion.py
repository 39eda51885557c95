"""Converts prices that a feed has divided by later splits back into prices in shares of their own day, exactly.

A split gives `numerator` shares for `denominator`, from its day on. A feed that is adjusted to a day has divided each
price by every split after the price's day and not after that day. The ratio is calculated when a price is read, so a
split that is entered after the load counts too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

NOT_ADJUSTED = 0  # instead of the ordinal of the day that prices are adjusted to


class Split(NamedTuple):
    """`numerator` shares replace `denominator` from the day `on` on, an ordinal: 4 for 1 is (on, 4, 1)."""

    on: int
    numerator: int
    denominator: int


def product(splits: Iterable[Split]) -> Fraction:
    """How many shares one share becomes."""
    ratio = Fraction(1)
    for split in splits:
        ratio *= Fraction(split.numerator, split.denominator)
    return ratio


def ratio_to_own_day(splits: Sequence[Split], on: int, adjusted_to: int) -> Fraction:
    """What a price of the day `on` in the feed is multiplied by, to be in shares of that day."""
    return product(split for split in splits if on < split.on <= adjusted_to)


def ratio_to_newest(splits: Sequence[Split], on: int, adjusted_to: int) -> Fraction:
    """What a price in the feed is multiplied by, to be in shares after the last split."""
    return 1 / product(split for split in splits if split.on > max(on, adjusted_to))


class Span(NamedTuple):
    """Prices before the place `until`, since the span before, that have the same ratio."""

    until: int
    ratio: Fraction


def spans(splits: Sequence[Split], ordinals: Sequence[int], adjusted_to: Sequence[int]) -> list[Span]:
    """The ratios to their own days of prices in the order of their days, each with the day that it is adjusted to."""
    splits = sorted(splits)
    split_days = [split.on for split in splits]
    ratios: dict[
        int, list[Fraction]
    ] = {}  # of the splits before a place: of none of them, the last, the last two...
    result: list[Span] = []
    for place, (on, adjusted) in enumerate(zip(ordinals, adjusted_to, strict=True), start=1):
        first, end = bisect_right(split_days, on), bisect_right(split_days, adjusted)
        of_end = ratios.setdefault(end, [Fraction(1)])
        while len(of_end) <= end - first:
            of_end.append(of_end[-1] * product(splits[end - len(of_end) : end - len(of_end) + 1]))
        ratio = of_end[max(end - first, 0)]
        if result and result[-1].ratio == ratio:
            result[-1] = Span(place, ratio)
        else:
            result.append(Span(place, ratio))
    return result
