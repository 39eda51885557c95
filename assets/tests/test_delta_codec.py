"""Deltas of a month are encoded and decoded exactly, whatever their size, and take few bytes."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.valuation.codecs.deltas import (
    DayDelta,
    EncodedDeltas,
    by_month,
    decode_deltas,
    decode_numbers,
    encode_deltas,
    encode_numbers,
    total,
)
from tests import factories

pytestmark = pytest.mark.on_sqlite

MONTH = date(2024, 2, 1)
day = partial(factories.day, first=MONTH)
numbers = st.integers(-(2**100), 2**100) | st.integers(-9, 9)
deltas_of_a_month = st.dictionaries(
    st.integers(0, 28).map(day), st.tuples(numbers, numbers, st.integers(-3, 3)), max_size=29
)


@given(deltas_of_a_month)
def test_what_is_decoded_is_what_was_encoded_without_days_of_no_change(deltas):
    changed = {on: DayDelta(*delta) for on, delta in sorted(deltas.items()) if any(delta)}
    decoded = decode_deltas(MONTH, encode_deltas(deltas))
    assert decoded == changed
    assert list(decoded) == sorted(decoded)
    assert total(decoded.values()) == tuple(sum(delta[side] for delta in deltas.values()) for side in (0, 1))


def test_a_day_takes_eight_bytes_and_what_is_zero_none():
    encoded = encode_deltas({day(0): (5, 0, 1), day(28): (-3, 0, 0)})
    assert encoded.days == 1 | 1 << 28
    assert (len(encoded.owned), encoded.owed, len(encoded.begun)) == (16, b"", 16)
    assert encode_deltas({day(3): (0, 0, 0)}) == encode_deltas({}) == EncodedDeltas(0, b"", b"", b"")


@pytest.mark.parametrize("number, size", [(2**63 - 1, 8), (-(2**63), 8), (2**63, 16), (-(2**63) - 1, 16)])
def test_a_number_that_needs_more_makes_all_of_them_wide(number, size):
    encoded = encode_numbers([1, number])
    assert len(encoded) == 2 * size
    assert list(decode_numbers(encoded, 2)) == [1, number]


def test_bytes_of_another_number_of_days_are_refused():
    with pytest.raises(ValueError, match="8 bytes are not 2 numbers"):
        decode_numbers(encode_numbers([1]), 2)


def test_deltas_are_split_by_month():
    deltas = {date(2024, 3, 1): (1,), date(2024, 2, 29): (2,), date(2024, 2, 1): (3,)}
    assert list(by_month(deltas)) == [
        (MONTH, {date(2024, 2, 1): (3,), date(2024, 2, 29): (2,)}),
        (date(2024, 3, 1), {date(2024, 3, 1): (1,)}),
    ]
