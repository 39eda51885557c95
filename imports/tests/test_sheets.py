"""Every sheet of a workbook that is not read is named, whatever the format of the one that is."""

import pytest

from imports.formats.detection import read_file
from imports.formats.rows import Options
from imports.tests.files import ods, xlsx
from imports.tests.import_requests import preview

WORTH = [["Account", "Date", "Value", "Currency"], ["Savings", "2025-01-31", "10", "EUR"]]
BOOKINGS = [["Date", "Description", "Amount"], ["2025-01-31", "Shop", "-10.00"]]
TRADES = [
    ["Date", "Symbol", "Action", "Quantity", "Price", "Currency"],
    ["2025-01-31", "ACME", "Buy", "1", "10", "EUR"],
]
MINT = [
    ["Date", "Description", "Original Description", "Amount", "Transaction Type", "Category", "Account Name"],
    ["2025-01-31", "Shop", "SHOP", "10.00", "debit", "Food", "Checking"],
]
NOTES = [["remember"], ["the milk"]]


@pytest.mark.parametrize("workbook", [xlsx, ods])
@pytest.mark.parametrize("rows", [WORTH, BOOKINGS, TRADES, MINT])
def test_sheet_without_a_table_is_named(workbook, rows):
    reading = read_file(workbook({"Notes": NOTES, "Rows": rows, "Empty": []}), Options()).reading
    for _ in range(2):  # each call reads the file again
        list(reading.rows())
        warned = [warning.text for warning in reading.warnings if warning.code == "SHEET_LEFT_OUT"]
        assert warned == ["Notes"]
    assert [(sheet["name"], sheet["read"], sheet["rows"]) for sheet in reading.detected["sheets"]] == [
        ("Notes", False, 0),
        ("Rows", True, 1),
        ("Empty", False, 0),
    ]


def test_sheet_that_a_person_chose_is_the_only_one_asked_for():
    book = xlsx({"Notes": NOTES, "Rows": WORTH, "Others": WORTH})
    reading = read_file(book, Options(sheet="Rows")).reading
    list(reading.rows())
    assert [warning.code for warning in reading.warnings] == []
    assert [sheet["name"] for sheet in reading.detected["sheets"] if sheet["read"]] == ["Rows"]


def test_hidden_sheet_is_named():
    book = xlsx({"Rows": WORTH, "Old": WORTH}, hidden=["Old"])
    reading = read_file(book, Options()).reading
    list(reading.rows())
    assert [warning.text for warning in reading.warnings] == ["Old"]


def test_answer_names_the_sheet_that_was_left_out(alice, portfolio):
    answer = preview(alice, portfolio, xlsx({"Rows": WORTH, "Notes": NOTES}), name="worth.xlsx")
    [warning] = answer["warnings"]
    assert (warning["code"], "Notes" in warning["message"]) == ("SHEET_LEFT_OUT", True)
    assert answer["detected"]["sheets"][1] == {"name": "Notes", "read": False, "rows": 0}
