"""XLSX: text is text, numbers are numbers as far as a spreadsheet can keep them, days are days; memory is bounded."""

from __future__ import annotations

import tracemalloc
from datetime import date
from decimal import Decimal

import pytest
from rest_framework import exceptions

from strata.api.http.csv_renderer import as_text, joined
from strata.api.http.table_responses import places_of, selected
from strata.api.http.xlsx_renderer import value_of, xlsx_blocks
from tests.spreadsheets import sheets_of

pytestmark = pytest.mark.on_sqlite

# As the table has it, and as a spreadsheet reads it.
CELLS = [
    (as_text("=1+1"), "=1+1"),
    (as_text("{=SUM(A1)}"), "{=SUM(A1)}"),
    (as_text("http://example.org"), "http://example.org"),
    (as_text("12.50"), "12.50"),
    (as_text("2024-01-31"), "2024-01-31"),
    (as_text("a;=2"), "a;=2"),
    (as_text(" <&> \x0b\u20ac"), " <&> _x000B_\u20ac"),
    ("-12.50", Decimal("-12.5")),
    ("0", Decimal(0)),
    ("0.000000000000000001", Decimal("1E-18")),
    ("123456789012345", Decimal(123456789012345)),
    ("99999999999.9999", Decimal("99999999999.9999")),
    ("1234567890123456", "1234567890123456"),
    ("12345678901234.5678", "12345678901234.5678"),
    ("2024-02-29", date(2024, 2, 29)),
    ("1900-01-01", date(1900, 1, 1)),
    ("1899-12-31", "1899-12-31"),
    ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
    ("true", "true"),
    ("=1", "=1"),
]


def written(rows, **options):
    return sheets_of(b"".join(xlsx_blocks(rows, **options)))


@pytest.mark.parametrize(("cell", "read"), CELLS)
def test_cells_are_what_they_are(cell, read):
    ((header, row),) = written([[as_text("=name")], [cell]])
    assert header == ["=name"]
    # A spreadsheet counts a 29 February 1900.
    assert row == [read] or (read == date(1900, 1, 1) and row == [date(1899, 12, 31)])


def test_empty_cells_and_tables():
    ((header, row),) = written([["a", "b", "c"], ["", "1", ""]])
    assert (header, row) == (["a", "b", "c"], ["", Decimal(1), ""])
    assert written([["a"]]) == [[["a"]]]


def test_rows_that_a_sheet_cannot_take_go_on_in_the_next_one():
    rows = [["n"], *([str(number)] for number in range(5))]
    assert written(rows, most_rows=3) == [
        [["n"], [Decimal(0)], [Decimal(1)]],
        [["n"], [Decimal(2)], [Decimal(3)]],
        [["n"], [Decimal(4)]],
    ]


def test_memory_does_not_grow_with_the_rows():
    def peak(count: int) -> int:
        rows = ([as_text(f"Name {number}"), f"{number}.50", "2024-01-31"] for number in range(count))
        tracemalloc.start()
        for _ in xlsx_blocks(rows):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # loads the library
    assert peak(10_000) < peak(1_000) + 500_000


def test_joined_texts_keep_their_originals():
    cell = joined("; ", [as_text("+1"), as_text("b")])
    assert (cell, value_of(cell)) == ("'+1; b", "+1; b")


# --- columns ---


def test_columns_are_selected_in_their_order():
    rows = [["id", "name", "a,b"], ["1", "x", "y"]]
    assert [*map(list, selected(iter(rows), ["name,id"]))] == [["name", "id"], ["x", "1"]]
    assert [*map(list, selected(iter(rows), ["a,b", "id"]))] == [["a,b", "id"], ["y", "1"]]
    assert [*map(list, selected(iter(rows), ["name"]))] == [["name"], ["x"]]


@pytest.mark.parametrize("columns", [["nme"], ["id,"], ["id,id"], ["id", "id"], ["id;name"]])
def test_unknown_and_repeated_columns_are_refused(columns):
    with pytest.raises(exceptions.ValidationError) as refused:
        places_of(["id", "name"], columns)
    assert [*refused.value.detail] == ["columns"]


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
def test_a_text_that_is_too_long_for_a_cell_is_cut_and_not_left_out(letter):
    fits = letter * (32_766 // len(letter.encode("utf-16-le")) * 2)
    ((_, row),) = sheets_of(
        b"".join(xlsx_blocks([["fits", "longer", "after"], [fits, letter * 40_000, "z"]]))
    )
    assert row[0] == fits and row[2] == "z"
    assert row[1].endswith("…") and row[1][:-1] == letter * (len(row[1]) - 1)
    assert 32_760 < len(row[1].encode("utf-16-le")) // 2 <= 32_767
