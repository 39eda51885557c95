"""Splits of Strata's own exports for programs that have none.

Their quantities and prices are in shares of today; here they become again what they were on their day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from imports.formats.rows import ActionItem
from imports.formats.trades import PLACES
from imports.reading.days import read_day
from imports.reading.numbers import rounded_fraction

_SPLIT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) (split|stock_dividend) ([0-9]{1,9}):([0-9]{1,9})")


class ShareSplit(NamedTuple):
    on: date
    type: str
    numerator: int
    denominator: int

    @property
    def ratio(self) -> Fraction:
        """How many shares one share becomes."""
        kept = self.denominator if self.type == "stock_dividend" else 0
        return Fraction(self.numerator + kept, self.denominator)

    def item(self, instrument: str) -> ActionItem:
        return ActionItem(instrument, self.on, self.type, self.numerator, self.denominator)


def read_splits(text: str) -> tuple[ShareSplit, ...]:
    """What is no split is left out."""
    splits = []
    for on, kind, numerator, denominator in _SPLIT.findall(text[:10_000]):
        day = read_day(on, None)
        if day is not None and int(numerator) and int(denominator):
            splits.append(ShareSplit(day.on, kind, int(numerator), int(denominator)))
    return tuple(splits)


def ratio_after(splits: Sequence[ShareSplit], on: date) -> Fraction:
    """How many shares of today one share of the day is."""
    ratio = Fraction(1)
    for split in splits:
        if split.on > on:
            ratio *= split.ratio
    return ratio


def units_then(number: Decimal, splits: Sequence[ShareSplit], on: date) -> Decimal:
    ratio = ratio_after(splits, on)
    return number if ratio == 1 else rounded_fraction(Fraction(number) / ratio, PLACES)


def price_then(number: Decimal, splits: Sequence[ShareSplit], on: date) -> Decimal:
    ratio = ratio_after(splits, on)
    return number if ratio == 1 else rounded_fraction(Fraction(number) * ratio, PLACES)
