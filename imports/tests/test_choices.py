"""What a person chose of a file, and is not in it, is refused by the name of the option, in every table."""

import pytest

from imports.formats.detection import read_file
from imports.formats.rows import Options
from imports.reading.refusals import FileRefused, OptionRefused
from imports.tests.all_formats import SAMPLES
from imports.tests.files import xlsx

TABLES = [
    name
    for name, sample in SAMPLES.items()
    if sample.format.endswith("-csv") or sample.format in ("networth", "homebox")
]
BOOKINGS = b"Date,Description,Amount\n2025-01-31,Shop,-10.00\n2025-02-01,Shop,-11.00\n"
TRADES = b"Date,Symbol,Action,Quantity,Price,Currency\n2025-01-31,ACME,Buy,1,10.00,EUR\n"


def refused(data: bytes, **options) -> str:
    with pytest.raises(OptionRefused) as raised:
        list(read_file(data, Options(**options)).reading.rows())
    return raised.value.option


@pytest.mark.parametrize("name", TABLES)
def test_every_format_of_tables_refuses_a_column_a_row_and_a_sheet_that_are_not_there(name):
    data = SAMPLES[name].data
    read_file(data, Options())
    assert refused(data, columns={"date": "No such heading"}) == "columns"
    assert refused(data, columns={"date": 999}) == "columns"
    assert refused(data, header_row=9_999) == "header_row"
    assert refused(data, sheet="No such sheet") == "sheet"


@pytest.mark.parametrize("data", [BOOKINGS, TRADES])
def test_columns_of_bookings_and_trades_have_to_be_there(data):
    assert refused(data, columns={"note": "Purpose"}) == "columns"
    assert refused(data, columns={"note": ""}) == "columns"
    assert refused(data, header_row=9_999) == "header_row"


def test_column_without_a_heading_has_a_number():
    table = b"Date,Account,Value\n2025-01-31,Savings,10.00,EUR\n"
    reading = read_file(table, Options(columns={"currency": 4})).reading
    assert [row.refusal for row in reading.rows()] == [None]
    assert list(reading.accounts) == ["Savings|EUR"]


@pytest.mark.parametrize("data", [BOOKINGS, TRADES])
def test_header_may_stand_below_a_long_preamble(data):
    preamble = b"".join(b"remark %d\n" % number for number in range(100))
    reading = read_file(preamble + data, Options(header_row=101, delimiter=",")).reading
    assert reading.detected["header_row"] == 101


def test_sheet_without_a_table_is_named():
    book = xlsx(
        {"Worth": [["Account", "Value", "Date"], ["Savings", "10", "2025-01-31"]], "Notes": [["remember"]]}
    )
    assert refused(book, sheet="Notes") == "sheet"
    assert refused(book, sheet="Worth", header_row=7) == "header_row"


def test_file_of_another_format_than_the_chosen_one_says_so():
    with pytest.raises(FileRefused) as raised:
        read_file(BOOKINGS, Options(), format_name="mt940")
    assert (raised.value.code, raised.value.advice) == ("UNKNOWN_FORMAT", "OTHER_FORMAT")


def test_encoding_that_the_file_itself_declares_and_does_not_have_is_no_option():
    data = SAMPLES["ofx"].data.replace(b"\n", b"\nCHARSET:1252\n", 1) + b"<X>\x81</X>"
    with pytest.raises(FileRefused) as raised:
        read_file(data, Options())
    assert (raised.value.code, isinstance(raised.value, OptionRefused)) == ("BROKEN_FILE", False)
