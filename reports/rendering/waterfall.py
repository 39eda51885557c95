"""A waterfall: from the first total by each part to the last one, as bars from left to right. Amounts stay Decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import NamedTuple


class Bar(NamedTuple):
    """Where a bar begins and how wide it is, in per cent of the picture's width, as text for CSS."""

    left: str
    width: str


class Waterfall(NamedTuple):
    """The bars of start, parts and end. `cut`: the axis does not begin at zero, so the totals' bars are cut off."""

    bars: list[Bar]
    cut: bool


def waterfall(start: Decimal, parts: Sequence[Decimal]) -> Waterfall:
    totals = list(accumulate(parts, initial=start))
    low, high = _bounds(totals)
    cut = not low <= 0 <= high
    base = low if low > 0 else high if high < 0 else Decimal(0)
    spans = [(base, totals[0]), *pairwise(totals), (base, totals[-1])]
    return Waterfall([_bar(sorted(span), low, high) for span in spans], cut)


def _bounds(totals: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """From zero, unless all totals are so far from it that the parts would hardly be visible."""
    low, high = min(totals), max(totals)
    room = (high - low) / 3 or abs(high) or Decimal(1)
    if low > 2 * (high - low) > 0:
        return low - room, high
    if high < 2 * (low - high) < 0:
        return low, high + room
    return min(low, Decimal(0)), max(high, Decimal(0)) or (Decimal(1) if low == high else Decimal(0))


def _bar(span: Sequence[Decimal], low: Decimal, high: Decimal) -> Bar:
    whole = (high - low) or Decimal(1)
    return Bar(f"{100 * (span[0] - low) / whole:.2f}", f"{100 * (span[1] - span[0]) / whole:.2f}")
