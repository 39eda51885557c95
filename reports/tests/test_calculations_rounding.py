"""Rounding that adds up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.calculations.rounding import (
    apportion,
    apportion_table,
    half_even,
    largest_remainder,
    over_one_denominator,
    rounded,
    shares,
)

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
    found = largest_remainder(parts, places)
    assert sum(found) == rounded(sum(parts), places)
    assert all(
        abs(Fraction(new) - old) < Fraction(1, 10**places) for new, old in zip(found, parts, strict=True)
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


# --- tables ---


def test_table_adds_up_both_ways():
    # Rounded row by row, the first column would be 1 + 1 = 2; its sum is 0.6 + 0.6 = 1.2, so that it shows 1.
    table = apportion_table([[6, 4], [6, 4]], 10, row_totals=[1, 1], column_totals=[1, 1])
    assert [sum(row) for row in table] == [1, 1]
    assert [sum(column) for column in zip(*table, strict=True)] == [1, 1]


def test_table_keeps_zeros_by_way_of_a_third_column():
    # No row has something in both the first column and the last: the unit moves by way of the middle.
    rows = [[5, 5, 0], [0, 5, 5]]
    table = apportion_table(rows, 10, row_totals=[1, 1], column_totals=[0, 1, 1])
    assert table == [[0, 1, 0], [0, 0, 1]]


def test_table_without_any_way_gives_up_a_zero():
    table = apportion_table([[10, 0], [0, 10]], 10, row_totals=[1, 1], column_totals=[2, 0])
    assert [sum(column) for column in zip(*table, strict=True)] == [2, 0]


def test_table_of_two_different_sums_is_refused():
    with pytest.raises(ValueError, match="different totals"):
        apportion_table([[1]], 1, row_totals=[1], column_totals=[2])


@pytest.mark.parametrize(("row_totals", "column_totals"), [([1000, -1000], [0, 0]), ([0, 0], [1000, -1000])])
def test_table_whose_totals_are_not_its_sums_is_refused_at_once(row_totals, column_totals):
    with pytest.raises(ValueError, match="add up to"):
        apportion_table([[4, -4], [4, -4]], 10, row_totals=row_totals, column_totals=column_totals)


@given(st.lists(st.lists(fractions, min_size=4, max_size=4), min_size=1, max_size=8))
def test_rounded_table_adds_up_and_stays_near(rows):
    columns = [sum(column) for column in zip(*rows, strict=True)]
    flat, denominator = over_one_denominator([cell for row in rows for cell in row])
    cells = [flat[at : at + 4] for at in range(0, len(flat), 4)]
    total = round(sum(columns))
    column_totals = [int(part) for part in largest_remainder(columns, 0, total=total)]
    row_totals = [int(part) for part in largest_remainder([sum(row) for row in rows], 0, total=total)]

    table = apportion_table(cells, denominator, row_totals=row_totals, column_totals=column_totals)

    assert [sum(row) for row in table] == row_totals
    assert [sum(column) for column in zip(*table, strict=True)] == column_totals
    for found, exact in zip(table, rows, strict=True):
        assert all(abs(new - old) < 2 for new, old in zip(found, exact, strict=True))


def test_apportion_takes_a_target_below_all_parts():
    assert apportion([10, 20], 10, -4) == [1, -5]
