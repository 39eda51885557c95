"""Numbers, days, texts and workbooks as files have them."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from imports.reading.days import DMY, MDY, YMD, day_order, read_day
from imports.reading.documents import read_document
from imports.reading.numbers import COMMA, POINT, decimal_mark, number_of_workbook, read_number
from imports.reading.refusals import FileRefused
from imports.reading.tables import NoResult
from imports.tests.files import Formula, ods, xlsx, zipped

pytestmark = pytest.mark.on_sqlite  # no database can change it


@pytest.mark.parametrize(
    ("text", "mark", "value", "currency"),
    [
        ("($1,250.75)", POINT, "-1250.75", "USD"),
        ("-$980.10", POINT, "-980.1", "USD"),
        ("$-980.10", POINT, "-980.1", "USD"),
        ("1.234,56", COMMA, "1234.56", ""),
        ("1'234.50", POINT, "1234.5", ""),
        ("2\u00a0000,00 PLN", COMMA, "2000", "PLN"),
        ("12,34,567.89", POINT, "1234567.89", ""),
        ("5.00-", POINT, "-5", ""),
        ("\u22125", POINT, "-5", ""),
        ("1.234", POINT, "1.234", ""),
        ("1.234", COMMA, "1234", ""),
    ],
)
def test_number_is_read_exactly(text, mark, value, currency):
    assert read_number(text, mark) == (Decimal(value), currency)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "1e400",
        "0x10",
        "1_000",
        "--5",
        "-(5)",
        "+-5",
        "٣",
        "1,23,4",
        "12.34.56",
        "",
        "-",
        "$",
        "5%",
        "1 2",
        "$€5",
    ],
)
def test_what_is_no_number_is_refused(text):
    assert read_number(text, POINT) is None


def test_column_has_one_decimal_mark():
    assert decimal_mark(["1.234", "1,5"]).mark == COMMA
    assert decimal_mark(["1,234", "0.5"]).mark == POINT
    assert decimal_mark(["12", "7"]).mark == POINT


def test_column_that_can_be_read_both_ways_is_asked_about():
    assert decimal_mark(["7", "1.234"]) == (None, 1)


def test_number_of_a_workbook_has_15_digits():
    assert number_of_workbook(0.1 + 0.2) == (Decimal("0.3"), True)
    assert number_of_workbook(1500.25) == (Decimal("1500.25"), False)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-10-25 11:48:00", date(2024, 10, 25)),
        ("2024-11-21T00:00:00+01:00", date(2024, 11, 21)),
        ("20200131", date(2020, 1, 31)),
        ("31.12.2024", date(2024, 12, 31)),
        ("Jan 2025", date(2025, 1, 31)),
        ("Februar 2024", date(2024, 2, 29)),
        ("2025-02", date(2025, 2, 28)),
        ("31 déc. 2024", date(2024, 12, 31)),
        ("17/04/2023 as of 15/04/2023", date(2023, 4, 15)),
    ],
)
def test_day_is_read_as_it_is_written(text, day):
    assert read_day(text, DMY).on == day


@pytest.mark.parametrize("text", ["2026-02-30", "31.02.2025", "1500-01-01", "1907.07", "Total", "12"])
def test_what_is_no_day_is_refused(text):
    assert read_day(text, DMY) is None


def test_three_days_above_twelve_decide_the_order():
    assert day_order(["1/31/2025", "2/28/2025", "3/31/2025", "4/1/2025"]).order == MDY
    assert day_order(["31/1/2025", "28/2/2025", "31/3/2025", "4/1/2025"]).order == DMY


def test_order_is_asked_where_too_few_days_decide_it():
    detected = day_order(["1/31/2025", "4/1/2025"])
    assert (detected.order, detected.is_open, detected.suggestion) == (None, True, MDY)


def test_regular_months_are_a_suggestion_and_no_answer():
    detected = day_order(["01/01/2025", "01/02/2025", "01/03/2025", "01/04/2025"])
    assert (detected.order, detected.is_open, detected.suggestion) == (None, True, DMY)


def test_year_of_two_digits_is_asked_about():
    assert day_order(["16/09/21"]).is_open
    assert day_order(["01/01/23", "02/02/23", "02/01/23", "03/01/23"]).example == 2, "it tells them apart"
    assert day_order(["01/01/23", "02/02/23"]).example == 0
    assert read_day("16/09/21", DMY).on == date(2021, 9, 16)
    assert read_day("16/09/21", YMD).on == date(2016, 9, 21)


def test_encoding_is_found_by_bom_then_utf8_then_a_guess():
    def encoding(data):
        document = read_document(data)
        return document.encoding, document.has_bom, document.is_encoding_certain

    assert encoding(b"\xef\xbb\xbfa,b\n1,2\n") == ("utf-8", True, True)
    assert encoding("a;b\nMüller;2\n".encode("utf-16")) == ("utf-16-le", True, True)
    assert encoding("a;b\nMüller & Söhne;2\n".encode()) == ("utf-8", False, True)
    assert encoding("Vermögen;b\nMüller & Söhne, Köln;2\n".encode("cp1252")) == ("cp1252", False, False)


def test_cyrillic_and_polish_letters_are_not_taken_for_western_ones():
    polish = "Nazwa;Saldo\nSklep spożywczy i żywność;2\nKonto główne, zakupy w sklepie;3\n".encode("cp1250")
    assert read_document(polish).encoding == "cp1250"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "EMPTY_FILE"),
        (b" \r\n\t", "EMPTY_FILE"),
        (b"%PDF-1.7 ...", "UNKNOWN_FORMAT"),
        (b"a,b\n1,\0\n", "BROKEN_FILE"),
        (b'a,b\n"open,1\n2,3\n', "BROKEN_FILE"),
        (b"a,b\n" + b"x" * (1024 * 1024 + 1), "BROKEN_FILE"),
        (b",".join([b"a"] * 2001) + b"\n", "TOO_MANY_COLUMNS"),
        (b"PK\x03\x04 and no more", "BROKEN_FILE"),
        (zipped({"readme.txt": b"hello"}), "UNKNOWN_FORMAT"),
        (zipped({"xl/workbook.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><workbook/>"}), "ENTITIES_REFUSED"),
        (zipped({"xl/workbook.xml": b" " * (11 * 1024 * 1024)}), "EXPANDS_TOO_MUCH"),
        (zipped({"xl/workbook.xml": b"not a workbook"}), "BROKEN_FILE"),
    ],
)
def test_file_that_cannot_be_read_is_refused(data, code):
    with pytest.raises(FileRefused) as refused:
        for table in read_document(data).tables:
            list(table)
    assert refused.value.code == code


def test_broken_text_names_its_line():
    with pytest.raises(FileRefused) as refused:
        list(read_document(b'a,b\n1,2\n"open,1\n').tables[0])
    assert refused.value.line == 3


def test_sheet_with_cells_far_apart_is_refused():
    sheet = xlsx({"A": [["x"]]})
    far = b'<c r="A1"><v>1</v></c></row><row r="1048576"><c r="AAA1048576"><v>1</v></c>'
    with zipfile.ZipFile(io.BytesIO(sheet)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(
        b"</row>", far + b"</row>"
    )
    with pytest.raises(FileRefused) as refused:
        read_document(zipped(members))
    assert refused.value.code == "EXPANDS_TOO_MUCH"


def test_formula_has_its_stored_result_and_is_never_evaluated():
    book = xlsx({"A": [["x", Formula("1+1", "5"), Formula("2+2")]]})
    [line] = list(read_document(book).tables[0])
    assert line.cells == ["x", Decimal(5), NoResult("C1")]


def test_repeated_empty_rows_of_ods_are_not_expanded():
    table = read_document(ods({"A": [["name", 1.5]]}, empty_rows=1_048_000)).tables[0]
    assert [line.cells for line in table] == [["name", Decimal("1.5")]]


def test_export_of_strata_is_read_without_its_apostrophes():
    [_, line] = list(read_document(b"a,b,c,d\n'=1+1,''=1,''quoted,a|'-b\n").tables[0])
    assert line.cells == ["=1+1", "'=1", "''quoted", "a|-b"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Giro;1.204,55 €\nAuto;-2,00 €\n", "cp1252"),
        ("Current;£5\nSavings;£6\n", "cp1252"),
        ("Giro;1 000,00 €\nAuto;2\u00a0000,00\n", "cp1252"),
        ("żółć;5 €\nPieniądze;6 €\nKonto główne;7 €\nPożyczka;7 €\n", "cp1250"),
    ],
)
def test_sign_of_a_currency_says_nothing_of_the_language_but_has_to_be_one(text, encoding):
    document = read_document(text.encode(encoding))
    assert (document.encoding, document.is_encoding_certain) == (encoding, False)
    assert [cell for line in document.tables[0] for cell in line.cells] == [
        cell for line in text.splitlines() for cell in line.split(";")
    ]
