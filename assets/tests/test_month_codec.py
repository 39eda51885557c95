"""Values encoded by month and decoded again: values and days are the same."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.valuation.codecs.months import EncodedMonth, amounts_in, days_in, encode_months

pytestmark = pytest.mark.on_sqlite

LEAP_DAY = date(2024, 2, 29)
LARGEST = 10**16 - 1
VALUES = st.dictionaries(
    st.dates(date(1800, 1, 1), date(2200, 12, 31)) | st.dates(date(2024, 1, 1), date(2024, 4, 30)),
    st.integers(-LARGEST, LARGEST),
    max_size=40,
)


def encoded(values):
    return encode_months([on for on, _ in values], [amount for _, amount in values])


def test_two_values_of_a_month_are_one_row():
    values = [(date(2024, 5, 1), 7), (date(2024, 5, 31), -7)]
    assert list(encoded(values)) == [
        (date(2024, 5, 1), EncodedMonth(2**30 + 1, b"\x07" + bytes(7) + b"\xf9" + b"\xff" * 7))
    ]


def test_each_month_is_a_row_of_its_own():
    values = [(LEAP_DAY, 1), (LEAP_DAY + timedelta(days=1), 2), (date(2025, 3, 1), 3)]
    assert [(month, row.days) for month, row in encoded(values)] == [
        (date(2024, 2, 1), 1 << 28),
        (date(2024, 3, 1), 1),
        (date(2025, 3, 1), 1),
    ]


@given(VALUES)
def test_what_was_encoded_is_decoded(values):
    months = list(encoded(sorted(values.items())))
    days = [on for month, row in months for on in days_in(month, row.days)]
    amounts = amounts_in(b"".join(row.amounts for _, row in months))
    assert dict(zip(days, amounts, strict=True)) == values
