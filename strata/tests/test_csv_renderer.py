"""CSV: no cell is a formula, wherever a spreadsheet splits; files have safe names; rows are sent one by one."""

import csv
import io
import tracemalloc
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strata.api.http.csv_renderer import (
    DELIMITERS,
    FORMULA,
    _is_passed_over,
    as_text,
    csv_blocks,
)
from strata.api.http.table_responses import disposition, file_name
from strata.fields.names import without_invisible

pytestmark = pytest.mark.on_sqlite

PIECES = [
    *sorted(DELIMITERS),
    *sorted(FORMULA),
    *"'\" a1",
    "\u200b",
    "\u2060",
    "\ufe0f",
    "\u00a0",
    "\u2800",
    "é",
]
TEXTS = st.text(st.sampled_from(PIECES), max_size=12) | st.text(max_size=20)


def begins_like_a_formula(cell: str) -> bool:
    """As a program reads it that skips quotes, spaces and invisible characters."""
    seen = "".join(
        letter
        for letter in without_invisible(cell)
        if unicodedata.category(letter)[0] not in "ZC" or letter in FORMULA
    )
    seen = seen.replace("\u2800", "").replace('"', "")
    return seen[:1] in FORMULA and seen != ""


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells for a program that knows quotes, and for one that does not."""
    cells = line.split(delimiter)
    if delimiter not in "\r\n":
        cells += [
            cell for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter) for cell in row
        ]
    return cells


@given(TEXTS)
@example("a;=1+1")
@example('a;"=1+1"')
@example("a,\u200b=1")
@example(";\t@x")
@example("-")
def test_no_text_begins_like_a_formula_wherever_it_is_split(text):
    line = "".join(csv_blocks([[as_text(text)]]))
    for delimiter in DELIMITERS:
        for cell in cells_of(line.removesuffix("\r\n"), delimiter):
            assert not begins_like_a_formula(cell), (delimiter, cell)


def as_written(cell: str) -> str:
    """The name from which `as_text` made this cell."""
    characters, beginning = [], True
    for position, character in enumerate(cell):
        if beginning and character == "'" and _is_guard(cell, position):
            beginning = False
            continue
        characters.append(character)
        beginning = character in DELIMITERS
    return "".join(characters)


def _is_guard(cell: str, position: int) -> bool:
    rest = cell[position + 1 :]
    for character in rest:
        if character in FORMULA:
            return True
        if not _is_passed_over(character):
            return False
    return False


@given(TEXTS)
@example("'=1")
@example("''a;'=1")
def test_what_was_written_is_read_again(text):
    assert as_written(as_text(text)) == text


@pytest.mark.parametrize(
    "name", ["Flat", "Smith - Jones", "O'Neill", "'quoted'", "50% + 1", "a; b, c | d", "x=y"]
)
def test_names_that_are_no_formula_are_as_they_are(name):
    assert as_text(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("net-worth-2026-01-31-Main", "net-worth-2026-01-31-Main"),
        ("../../etc/passwd", "etc-passwd"),
        ('a"b\\c;d\r\ne', "a-b-c-d-e"),
        (".hidden", "hidden"),
        ("Größe 一\u202e\u200b", "Größe-一"),
        ("x" * 300, "x" * 100),
    ],
)
def test_file_names_are_safe(name, safe):
    assert file_name(name) == safe


def test_file_names_of_other_letters_are_sent_in_ascii_too():
    assert disposition("a.csv") == 'attachment; filename="a.csv"'
    assert (
        disposition("Größe.csv") == "attachment; filename=\"Gr__e.csv\"; filename*=utf-8''Gr%C3%B6%C3%9Fe.csv"
    )


def test_rows_are_made_as_they_are_sent():
    def rows():
        for number in range(200_000):
            yield [str(number), "x" * 50]

    tracemalloc.start()
    sent = sum(len(block) for block in csv_blocks(rows()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent > 10_000_000
    assert peak < 500_000
