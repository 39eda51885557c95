"""Rounding of figures so that they add up: half to even for one number, largest remainder for parts of a whole.

Largest remainder (Hamilton's method): every part is rounded down, and the units then missing from the rounded
total go to the parts that lost most. `places` is the number of decimal places; a "unit" is 1 in the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction
from functools import lru_cache
from math import lcm

type Exact = int | Decimal | Fraction

SHARE_PLACES = 6  # the same as in strata.fields.numbers, which calculations do not import
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


def rounded(value: Exact, places: int) -> Decimal:
    """The nearest number with that many places, half to even."""
    return in_places(whole_units(value, places), places)


def whole_units(value: Exact, places: int) -> int:
    """The nearest whole number of units, half to even."""
    return round(Fraction(value) * Fraction(10) ** places)


def half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator (> 0), rounded half to even to a whole number: faster than round(Fraction(...))."""
    whole, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    return whole + up


@lru_cache(maxsize=1024)  # most cells of a table are zero
def in_places(units: int, places: int) -> Decimal:
    """So many units as a Decimal with that many places."""
    return Decimal(units).scaleb(-places, _WIDE)


def largest_remainder(
    parts: Sequence[Exact], total_places: int, *, total: Exact | None = None
) -> list[Decimal]:
    """The parts, rounded so that they add up to their rounded sum, or to `total` if it is given.

    Each changes by less than a unit, unless the given total is too far away for that. Of equal remainders the larger
    part comes first, then the earlier. A part of zero stays zero while another part can change.
    """
    numerators, denominator = over_one_denominator(parts)
    target = sum(numerators) * 10**total_places
    units = half_even(target, denominator) if total is None else whole_units(total, total_places)
    scaled = [numerator * 10**total_places for numerator in numerators]
    return [in_places(unit, total_places) for unit in apportion(scaled, denominator, units)]


def shares(parts: Sequence[Exact]) -> list[Decimal] | None:
    """Each part's share of the sum, with six places; the shares add up to exactly 1.

    None if the sum is zero. Raises ValueError for a negative part.
    """
    numerators, _ = over_one_denominator(parts)
    if any(numerator < 0 for numerator in numerators):
        raise ValueError("a share is of parts that are not negative")
    if not (whole := sum(numerators)):
        return None
    scaled = [numerator * 10**SHARE_PLACES for numerator in numerators]
    return [in_places(unit, SHARE_PLACES) for unit in apportion(scaled, whole, 10**SHARE_PLACES)]


def over_one_denominator(parts: Iterable[Exact]) -> tuple[list[int], int]:
    """The parts as whole numbers over their lowest common denominator."""
    ratios = [part.as_integer_ratio() for part in parts]
    denominator = lcm(*(below for _, below in ratios))
    return [above * (denominator // below) for above, below in ratios], denominator


def apportion(numerators: Sequence[int], denominator: int, target: int) -> list[int]:
    """Whole numbers that add up to `target`, each near its numerator / denominator, by largest remainder."""
    units = [numerator // denominator for numerator in numerators]
    lacking = target - sum(units)
    if not lacking or not units:
        return units
    ranked = sorted(
        (-rest, -abs(numerator), at)
        for at, numerator in enumerate(numerators)
        if (rest := numerator % denominator)
    )
    given = ranked[: max(lacking, 0)]
    for *_, at in given:
        units[at] += 1
    if lacking != len(given):
        # Happens only for a given total that is too far away: the largest part takes the difference.
        largest = max(range(len(units)), key=lambda at: (abs(numerators[at]), -at))
        units[largest] += lacking - len(given)
    return units
