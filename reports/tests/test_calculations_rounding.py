"""Rounding that adds up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.calculations.rounding import (
    apportion,
    half_even,
    largest_remainder,
    rounded,
    shares,
)

pytestmark = pytest.mark.on_sqlite

fractions = st.fractions(-1000, 1000, max_denominator=997)


def decimals(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_one_number_is_rounded_half_to_even():
    assert [str(rounded(Decimal(text), 2)) for text in ("0.005", "0.015", "-0.025", "2")] == [
        "0.00",
        "0.02",
        "-0.02",
        "2.00",
    ]
    assert rounded(Fraction(2, 3), 4) == Decimal("0.6667")


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**9))
def test_half_even_is_the_rounding_of_a_fraction(numerator, denominator):
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


# --- parts of a whole ---


def test_three_thirds_add_up_to_one():
    assert largest_remainder([Fraction(1, 3)] * 3, 2) == decimals("0.34", "0.33", "0.33")


def test_units_go_to_the_largest_remainders():
    # By hand: rounded down 1.23, 4.56, -0.79 = 5.00; the sum 5.0196 rounds to 5.02; remainders .4, .76, .8.
    parts = decimals("1.234", "4.5676", "-0.782")
    assert largest_remainder(parts, 2) == decimals("1.23", "4.57", "-0.78")


def test_equal_remainders_go_to_the_larger_part():
    assert largest_remainder(decimals("0.5", "7.5"), 0) == decimals("0", "8")


def test_part_of_zero_stays_zero():
    assert largest_remainder([0, Fraction(1, 2), Fraction(1, 2), 0], 0) == decimals("0", "1", "0", "0")


def test_total_from_outside_is_borne_by_the_largest_part():
    assert largest_remainder(decimals("1", "0", "5"), 0, total=7) == decimals("1", "0", "6")
    assert largest_remainder(decimals("1", "0", "-5"), 0, total=-6) == decimals("1", "0", "-7")


def test_no_parts():
    assert largest_remainder([], 2) == []


@given(st.lists(fractions, min_size=1, max_size=12), st.integers(0, 6))
def test_rounded_parts_add_up_to_the_rounded_total(parts, places):
    rounded_parts = largest_remainder(parts, places)
    assert sum(rounded_parts) == rounded(sum(parts), places)
    assert all(
        abs(Fraction(new) - old) < Fraction(1, 10**places)
        for new, old in zip(rounded_parts, parts, strict=True)
    )


@given(st.lists(fractions, min_size=1, max_size=12), st.integers(-3000, 3000))
def test_parts_add_up_to_whatever_total_is_given(parts, total):
    assert sum(largest_remainder(parts, 1, total=total)) == total


# --- shares ---


def test_shares_of_thirds_have_six_places():
    assert shares([1, 1, 1]) == decimals("0.333334", "0.333333", "0.333333")


def test_nothing_has_no_shares():
    assert shares([]) is None
    assert shares([0, 0]) is None


def test_share_of_a_negative_part_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        shares([1, -1])


@given(st.lists(st.decimals(0, 10**14, places=4), max_size=30))
def test_shares_add_up_to_exactly_one(parts):
    assume(any(parts))
    assert sum(shares(parts)) == 1


def test_apportion_takes_a_target_below_all_parts():
    assert apportion([10, 20], 10, -4) == [1, -5]
