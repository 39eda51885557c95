"""OFX and QFX: each booking once, at the bank's own day, and balances as values."""

from decimal import Decimal

import pytest

from imports.reading.refusals import FileRefused
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import preview
from imports.tests.trackers.sums import amounts, cash, items, read, reasons, values

OWN = own("statement.ofx")


def codes(reading):
    return [warning.code for warning in reading.warnings]


@pytest.mark.on_sqlite
def test_bookings_flows_and_balances_of_a_bank_and_a_card():
    reading, rows = read(OWN)
    assert cash(rows) == {"111|EUR": 2000 - 7 - 540, "111|USD": -12, "4111|EUR": -25}
    assert amounts(rows) == {
        ("INCOME", "EUR"): 2000,
        ("EXPENSE", "EUR"): 32,
        ("DISPOSE", "EUR"): 540,
        ("EXPENSE", "USD"): 12,
    }
    assert values(rows) == [("111|EUR", "2025-02-28", 1453), ("4111|EUR", "2025-02-28", -25)]
    assert reasons(rows) == [(24, "BAD_DATE"), (25, "BAD_NUMBER"), (34, "EMPTY")]
    first = items(rows)[0]
    assert (first.external_id, first.on.isoformat(), first.note) == ("A1", "2025-01-31", "Salary & bonus")
    assert reading.accounts["4111|EUR"].asset_type == "CREDIT_CARD"
    assert reading.questions == []


@pytest.mark.on_sqlite
def test_an_empty_id_is_no_identity():
    _, rows = read(OWN)
    assert [item.external_id for item in items(rows) if item.note == "Coffee"] == ["", ""]


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"</OFX>", b"", 41),
        (b"<NAME>Salary<MEMO>Salary &amp; bonus</STMTTRN>", b"", 19),
        (b"<STMTTRN><TRNTYPE>XFER", b"<TRNTYPE>XFER", 22),
    ],
)
def test_a_file_that_would_lose_a_row_is_refused_with_its_line(old, new, line):
    with pytest.raises(FileRefused) as error:
        read(OWN.replace(old, new))
    assert (error.value.code, error.value.line) == ("BROKEN_FILE", line)


@pytest.mark.on_sqlite
def test_entities_are_refused():
    with pytest.raises(FileRefused, match="ENTITIES_REFUSED"):
        read(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><OFX><A>&b;</A></OFX>')


@pytest.mark.on_sqlite
def test_a_million_tags_without_an_end_are_refused():
    with pytest.raises(FileRefused, match="BROKEN_FILE"):
        read(b"<OFX>" + b"<A>" * 1_000_000)


@pytest.mark.on_sqlite
def test_values_in_cdata_and_tags_of_xml():
    data = OWN.replace(b"<NAME>Books</STMTTRN>", b"<NAME><![CDATA[Books & <more>]]></NAME><MEMO/></STMTTRN>")
    assert items(read(data)[1])[-1].note == "Books & <more>"


@pytest.mark.on_sqlite
def test_a_failed_request_gives_the_message_of_the_bank():
    reading, rows = read(
        b"<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>15500<SEVERITY>ERROR"
        b"<MESSAGE>Signon invalid</STATUS></SONRS></SIGNONMSGSRSV1></OFX>"
    )
    assert (rows, codes(reading)) == ([], ["NOTHING_INSIDE"])
    assert reading.warnings[0].text == "Signon invalid"


@pytest.mark.on_sqlite
def test_the_currency_is_asked_for_where_there_is_none():
    data = OWN.replace(b"<CURDEF>EUR", b"")
    reading, rows = read(data)
    assert [question.code for question in reading.questions] == ["CURRENCY"]
    reading, rows = read(data, currency="EUR")
    assert cash(rows)["111|EUR"] == 1453


@pytest.mark.on_sqlite
def test_an_amount_that_can_be_read_both_ways_is_asked_about():
    data = (
        b"<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>1</BANKACCTFROM>"
        b"<LEDGERBAL><BALAMT>1.234<DTASOF>20250101</LEDGERBAL></STMTRS></OFX>"
    )
    reading, _ = read(data)
    assert [question.code for question in reading.questions] == ["DECIMAL"]
    assert values(read(data, decimal=",")[1]) == [("1|EUR", "2025-01-01", 1234)]


@pytest.mark.on_sqlite
def test_windows_letters_by_the_header():
    data = OWN.replace(b"Books", "Bücher".encode("cp1252"))
    assert items(read(data)[1])[-1].note == "Bücher"


@pytest.mark.on_sqlite
def test_real_statements_of_banks():
    reading, rows = read(real_sample("ofx/checking.ofx"))
    assert cash(rows) == {"1452687~7|USD": Decimal("-59.5")}
    assert [item.external_id for item in items(rows)] == ["0000486", "0000487", "0000488"]
    assert [items(rows)[at].on.isoformat() for at in (0, -1)] == ["2011-03-31", "2011-04-07"]
    assert values(rows) == [("1452687~7|USD", "2013-05-25", Decimal("100.99"))]
    assert (reasons(rows), reading.questions, reading.warnings) == ([], [], [])
    _, rows = read(real_sample("ofx/multiple_accounts.ofx"))
    assert values(rows) == [("9100|USD", "2012-06-03", 111), ("9200|USD", "2012-06-03", 222)]
    reading, rows = read(real_sample("ofx/stmtrs_euro.ofx"))
    assert (cash(rows), reading.detected["decimal"]) == ({"999988|USD": -500}, ",")
    assert values(rows) == [("999988|USD", "2005-10-29", Decimal("200.29"))]


@pytest.mark.usefixtures("shared_rows")
def test_the_preview_names_the_bank_s_message(alice, portfolio):
    shown = preview(
        alice, portfolio, b"<OFX><STATUS><CODE>2000<MESSAGE>Try later</STATUS></OFX>", name="a.qfx"
    )
    assert "Try later" in shown["warnings"][0]["message"]
