"""Whether a new value is probably mistyped, compared with the one before it. Values only: no rows, no texts."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

_NEAR = Fraction(2, 100)
_FACTORS = (Fraction(10), Fraction(100), Fraction(1, 10), Fraction(1, 100))


class Slip(StrEnum):
    """What may have happened. The person is asked, and nothing is saved until then."""

    FACTOR = "FACTOR"  # ten or a hundred times as much, or as little
    CHANGED_SIGN = "CHANGED_SIGN"
    MORE_THAN_HALF = "MORE_THAN_HALF"


class TypingError(NamedTuple):
    """`factor` is 10, 100, 1/10 or 1/100 for FACTOR; else the difference as a part of the old value, signed."""

    slip: Slip
    factor: Fraction


def typing_error(old: Decimal | None, new: Decimal) -> TypingError | None:
    """Why to ask about the new value; None where it is plausible, is the first, or follows a zero.

    A factor counts within 2 %; otherwise a difference of more than half of the old value.
    """
    if not old:
        return None
    ratio = Fraction(new) / Fraction(old)
    if ratio < 0:
        return TypingError(Slip.CHANGED_SIGN, ratio)
    for factor in _FACTORS:
        if abs(ratio / factor - 1) <= _NEAR:
            return TypingError(Slip.FACTOR, factor)
    return TypingError(Slip.MORE_THAN_HALF, ratio - 1) if abs(ratio - 1) > Fraction(1, 2) else None
