"""The picture of a row of a list: a line with steps, without axes, small enough for hundreds of them on a page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from assets.valuation.series import Step, ten_thousandths

WIDTH, HEIGHT = 96, 24
MARGIN = 2  # above and below the line
FINE = 10  # parts of a unit of the height


def sparkline(steps: Iterable[Step], *, start: date, end: date) -> str:
    """The path of an SVG of WIDTH and HEIGHT, from the values since `start` up to `end`; "" without any.

    `start` is on the left and `end` on the right. Of the days that share a place only the last one is drawn. A value
    that stays the same is a line in the middle.
    """
    days = (end - start).days + 1
    amounts = {(on - start).days * WIDTH // days: ten_thousandths(value) for on, value in steps}
    if not amounts:
        return ""
    low, high = min(amounts.values()), max(amounts.values())
    heights = {place: _height(amount, low, high) for place, amount in amounts.items()}
    (first, height), *later = heights.items()
    path = f"M{first} {height}"
    for place, following in later:
        if following != height:
            path += f"H{place}V{following}"
            height = following
    return f"{path}H{WIDTH}"


def _height(amount: int, low: int, high: int) -> str:
    """From the top, in whole numbers: an amount may have more digits than a float."""
    room = (HEIGHT - 2 * MARGIN) * FINE
    tenths = MARGIN * FINE + (room // 2 if low == high else (high - amount) * room // (high - low))
    return f"{tenths / FINE:g}"
