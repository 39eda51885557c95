"""Tables whose rows and columns add up, with no number more than one unit from its exact value."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.calculations.controlled_rounding import round_table
from reports.calculations.rounding import apportion, half_even

pytestmark = pytest.mark.on_sqlite

UNIT = 60  # of which halves, thirds, quarters and fifths are whole


def rounded_sum(rows: list[list[int]]) -> list[int]:
    """Rounded as in a report: the ends half to even, the numbers between them by largest remainder."""
    first, *parts, last = (sum(column) for column in zip(*rows, strict=True))
    start, end = half_even(first, UNIT), -half_even(-last, UNIT)
    return [start, *apportion(parts, UNIT, -start - end), end]


def adds_up(rows: list[list[int]], total: list[int], shown: list[list[int]]) -> bool:
    exact = [*rows, [sum(column) for column in zip(*rows, strict=True)]]
    near = all(
        abs(units * UNIT - number) <= UNIT
        for numbers, rounded in zip(exact, [*shown, total], strict=True)
        for number, units in zip(numbers, rounded, strict=True)
    )
    columns = [sum(column) for column in zip(*shown, strict=True)]
    return near and columns == total and all(sum(row) == 0 for row in [*shown, total])


numbers = st.integers(-3 * UNIT, 3 * UNIT) | st.integers(-3, 3).map(lambda whole: whole * UNIT) | st.just(0)
rests = st.sampled_from([0, 1, 15, 20, 30, 40, 45, 59])


def tables(cells, width: int):
    rows = st.lists(cells, min_size=width - 1, max_size=width - 1).map(lambda row: [*row, -sum(row)])
    return st.lists(rows, min_size=1, max_size=8)


@settings(max_examples=1500, deadline=None)
@given(tables(numbers, 9) | tables(rests, 9) | tables(rests, 4))
def test_rows_and_columns_add_up_and_no_number_is_further_than_a_unit(rows):
    total = rounded_sum(rows)
    shown, total_shown = round_table(rows, UNIT, total)
    assert adds_up(rows, total_shown, shown)
    assert (total_shown[0], total_shown[-1]) == (total[0], total[-1])


@settings(max_examples=300, deadline=None)
@given(st.lists(tables(numbers, 9), min_size=10, max_size=30).map(lambda tables: list(chain(*tables))))
def test_long_tables_add_up_too(rows):
    total = rounded_sum(rows)
    shown, total_shown = round_table(rows, UNIT, total)
    assert adds_up(rows, total_shown, shown)


def test_whole_numbers_stay_what_they_are():
    rows = [[UNIT, 0, -UNIT], [0, 5 * UNIT, -5 * UNIT]]
    assert round_table(rows, UNIT, [1, 5, -6]) == ([[1, 0, -1], [0, 5, -5]], [1, 5, -6])


def test_a_unit_moves_where_it_harms_least():
    # Both rows round their first number up; the total of 1.3 has room for the larger of the two.
    assert round_table([[33, -33], [45, -45]], UNIT, [1, -1]) == ([[0, 0], [1, -1]], [1, -1])


def test_a_unit_goes_by_way_of_a_third_column():
    # No row has a rest in both the first and the last column.
    rows = [[30, -30, 0], [0, 30, -30]]
    shown, total = round_table(rows, UNIT, [0, 1, -1])
    assert adds_up(rows, total, shown)
    assert shown == [[0, 0, 0], [0, 1, -1]]


def test_a_total_that_the_rows_cannot_reach_changes_between_its_ends():
    # Each row has two numbers that rise and fall together: so must those of the total.
    rows = [[0, 30, -30, 0, 0, 0], [0, 0, 0, 30, -30, 0]]
    shown, total = round_table(rows, UNIT, [0, 1, 0, 0, -1, 0])
    assert adds_up(rows, total, shown)
    assert (total[1] + total[2], total[3] + total[4]) == (0, 0)


def test_two_ends_that_round_apart_move_a_whole_number_by_one_unit():
    # 0.5 is 0 and 1.5 is 2, as everywhere else: what explains the change of 1 has to be 2.
    assert round_table([[30, 60, -90]], UNIT, [0, 2, -2]) == ([[0, 2, -2]], [0, 2, -2])


def test_nothing_is_a_table_too():
    assert round_table([], UNIT, [0, 0, 0]) == ([], [0, 0, 0])
