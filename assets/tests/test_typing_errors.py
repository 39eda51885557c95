"""When a new value is asked about before it is saved."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from assets.rules.entries.typing_errors import Slip, TypingError, typing_error

pytestmark = pytest.mark.on_sqlite  # no database can change it


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1000", "10000", TypingError(Slip.FACTOR, Fraction(10))),
        ("1000", "10199", TypingError(Slip.FACTOR, Fraction(10))),
        ("1000", "10200", TypingError(Slip.FACTOR, Fraction(10))),
        ("1000", "10201", TypingError(Slip.MORE_THAN_HALF, Fraction(9201, 1000))),
        ("1000", "100000", TypingError(Slip.FACTOR, Fraction(100))),
        ("1000", "100", TypingError(Slip.FACTOR, Fraction(1, 10))),
        ("1000", "10.20", TypingError(Slip.FACTOR, Fraction(1, 100))),
        ("-180000", "-18000", TypingError(Slip.FACTOR, Fraction(1, 10))),
        ("-180000", "180000", TypingError(Slip.CHANGED_SIGN, Fraction(-1))),
        ("1000", "-0.01", TypingError(Slip.CHANGED_SIGN, Fraction(-1, 100_000))),
        ("1000", "400", TypingError(Slip.MORE_THAN_HALF, Fraction(-3, 5))),
        ("1000", "1500.01", TypingError(Slip.MORE_THAN_HALF, Fraction(50_001, 100_000))),
        ("1000", "0", TypingError(Slip.MORE_THAN_HALF, Fraction(-1))),
        ("1000", "1500", None),
        ("1000", "500", None),
        ("1000", "1000", None),
        ("0", "5000", None),
        (None, "5000", None),
    ],
)
def test_what_is_asked_about(old, new, expected):
    assert typing_error(None if old is None else Decimal(old), Decimal(new)) == expected
