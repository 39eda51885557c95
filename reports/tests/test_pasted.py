"""What a text pasted into the table of values fills."""

from __future__ import annotations

import pytest

from reports.update_values.pasted import Pasted, Target, read_pasted

pytestmark = pytest.mark.on_sqlite  # no database can change it

ROWS = [Target("1", "checking"), Target("2", "savings"), Target("3", "house"), Target("4", "house")]


def pasted(text: str, first: str = "1") -> Pasted:
    def is_number(asset: str, word: str) -> bool:
        return word.removesuffix(" EUR" if asset == "1" else " USD").replace(".", "").isdigit()

    return read_pasted(text, ROWS, first, key_of=str.casefold, is_number=is_number)


@pytest.mark.parametrize(
    ("text", "first", "fills"),
    [
        ("10\n20", "1", {"1": "10", "2": "20"}),
        ("10\r\n20\r\n", "2", {"2": "10", "3": "20"}),
        ("10\n\n 30 \n", "1", {"1": "10", "3": "30"}),
        ("\n20", "1", {"2": "20"}),
        ("Savings\t20\nCHECKING\t10", "3", {"2": "20", "1": "10"}),
        ("Savings; 20\n\nChecking;10\n", "3", {"2": "20", "1": "10"}),
        ("Savings\t\nChecking\t10", "1", {"1": "10"}),
        ("10 EUR\n20 USD", "1", {"1": "10 EUR", "2": "20 USD"}),
        ("Checking\t10 EUR", "1", {"1": "10 EUR"}),
    ],
)
def test_lines_fill_the_rows_below_or_those_they_name(text, first, fills):
    assert pasted(text, first) == Pasted(fills)


def test_column_that_is_too_long_fills_nothing():
    assert pasted("1\n2\n3", "3") == Pasted({}, too_many=1)


def test_line_that_is_no_number_fills_nothing():
    assert pasted("1\nabout 2") == Pasted({}, no_number=("about 2",))
    assert pasted("1\n2 EUR") == Pasted({}, no_number=("2 EUR",))


def test_names_that_are_unknown_or_fit_twice_are_named_and_the_others_fill():
    read = pasted("Checking\t1\nBoat\t2\nHouse\t3\nSavings\t4\nsavings\t5")
    assert read == Pasted({"1": "1"}, unknown=("Boat",), repeated=("House", "Savings", "savings"))


def test_named_row_without_a_number_is_named_and_the_others_fill():
    assert pasted("Checking\tx\nSavings\t4") == Pasted({"2": "4"}, no_number=("x",))


def test_row_without_a_name_is_named_by_its_number_and_a_repeated_name_once():
    assert pasted("\t7\nSavings\t4\nSavings\t5") == Pasted({}, unknown=("7",), repeated=("Savings",))
