"""The labels of the ticks of a money axis: the fewest digits with which all labels are exact.

The number of decimals depends on the ticks, not on the size of the step: 2.5, 5, 7.5 must not become 2, 5, 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

MOST_DIGITS = 16  # what a float keeps
NEAR = 1e-6  # of a step: a label that is nearer to its tick counts as exact; the rest is the float's rounding


def tick_labels(ticks: Sequence[float], *, plain_below: float = 1e15) -> list[str]:
    """A label for each tick, with thousands; with an exponent if any tick is as large as `plain_below`."""
    plain = max(map(abs, ticks), default=0) < plain_below
    write = _in_digits if plain else _with_exponent
    digits = next((count for count in range(MOST_DIGITS) if _says(ticks, write, count)), MOST_DIGITS)
    return [write(tick, digits) for tick in ticks]


def _says(ticks: Sequence[float], write: Callable[[float, int], str], digits: int) -> bool:
    steps = [abs(after - before) for before, after in pairwise(sorted(ticks)) if after != before]
    tolerance = NEAR * min(steps, default=max(map(abs, ticks), default=0))
    return all(abs(float(write(tick, digits).replace(",", "")) - tick) <= tolerance for tick in ticks)


def _in_digits(tick: float, places: int) -> str:
    return f"{round(tick, places) + 0.0:,.{places}f}"  # + 0.0 makes 0 of -0


def _with_exponent(tick: float, places: int) -> str:
    mantissa, _, exponent = f"{tick:.{places}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{exponent}" if tick else "0"
