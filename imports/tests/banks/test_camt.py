"""CAMT: an entry is one booking, and the balances of the bank are values."""

from decimal import Decimal

import pytest

from imports.reading.refusals import FileRefused
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview, values_of
from imports.tests.trackers.sums import amounts, cash, items, read, reasons, values

OWN = own("camt053.xml")
ACCOUNT = "DE02120300000000202051|EUR"


def codes(reading):
    return [(warning.code, warning.text) for warning in reading.warnings]


@pytest.mark.on_sqlite
def test_booked_entries_once_and_balances_of_the_bank():
    reading, rows = read(OWN)
    assert cash(rows) == {ACCOUNT: -109}
    assert amounts(rows) == {("INCOME", "EUR"): Decimal("49.5"), ("EXPENSE", "EUR"): Decimal("158.5")}
    assert values(rows) == [
        (ACCOUNT, "2025-01-01", 100),
        (ACCOUNT, "2025-01-31", Decimal("40.5")),
        (ACCOUNT, "2025-02-28", -9),
    ]
    assert reasons(rows) == [
        (12, "NOT_BOOKED"),
        (8, "NOT_A_TRANSACTION"),
        (20, "NOT_BOOKED"),
        (16, "SUMMARY_ROW"),
    ]
    assert (reading.questions, codes(reading)) == ([], [])


@pytest.mark.on_sqlite
def test_what_an_entry_is_known_by_and_what_it_says():
    _, rows = read(OWN)
    first, coffee, other_coffee, back, _ = items(rows)
    assert (first.external_id, first.note) == ("R1/2025-01-02/-49.5", "Stadtwerke Köln Strom Wasser")
    assert (back.external_id, back.on.isoformat()) == ("R1/2025-02-03/49.5", "2025-02-03")
    assert coffee == other_coffee
    assert (coffee.external_id, coffee.on.isoformat(), coffee.note) == ("", "2025-01-15", "Kaffee")


@pytest.mark.on_sqlite
def test_a_sum_that_does_not_match_is_a_warning():
    reading, rows = read(OWN.replace(b"99.00", b"98.00"))
    assert codes(reading) == [("BALANCE_DIFFERS", "-8.00 / -9.00")]
    assert len(values(rows)) == 3


@pytest.mark.on_sqlite
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"2025-02-04", b"2025-02-30", "BAD_DATE"),
        (b'"EUR">99.00', b'"EUR">99,00,1', "BAD_NUMBER"),
        (b'"EUR">99.00', b'"QQQ">99.00', "BAD_CURRENCY"),
        (b"<c:BookgDt><c:Dt>2025-02-04</c:Dt></c:BookgDt>", b"", "MISSING_FIELD"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_by_its_line(old, new, code):
    reading, rows = read(OWN.replace(old, new))
    assert (19, code) in reasons(rows)
    assert len(items(rows)) == 4
    assert codes(reading) == []  # nothing is summed of which a part is missing


@pytest.mark.on_sqlite
def test_a_cut_file_and_entities_are_refused():
    with pytest.raises(FileRefused, match="BROKEN_FILE"):
        read(OWN[:-40])
    with pytest.raises(FileRefused, match="ENTITIES_REFUSED"):
        read(OWN.replace(b"<c:Document", b'<!DOCTYPE a [<!ENTITY b "c">]><c:Document', 1))


@pytest.mark.on_sqlite
def test_real_statements():
    account = "NL26VAYB8060476890|EUR"
    reading, rows = read(real_sample("camt/camt053.v2.multi.statement.xml"))
    assert cash(rows) == {account: Decimal("1.85")}
    assert [(item.type, item.amount, item.on.isoformat()) for item in items(rows)] == [
        ("INCOME", Decimal("8.85"), "2014-12-31"),
        ("EXPENSE", 7, "2014-12-31"),
    ]
    assert values(rows) == [
        (account, "2014-12-30", Decimal("18.15")),
        (account, "2014-12-31", 27),
        (account, "2014-12-31", 20),
    ]
    assert codes(reading) == []
    reading, rows = read(real_sample("camt/camt054.v4.xml"))
    assert cash(rows) == {"CH2801234000123456789|SEK": -200000}
    assert len(items(rows)) == 1
    assert codes(reading) == [("NO_BALANCES", "")]


@pytest.mark.usefixtures("shared_rows")
def test_the_later_of_two_closings_of_a_day_counts(alice, portfolio):
    data = real_sample("camt/camt053.v2.multi.statement.xml")
    commit(alice, preview(alice, portfolio, data))
    assert [(on, value) for _, on, value in values_of(portfolio)] == [
        ("2014-12-30", "18.1500"),
        ("2014-12-31", "20.0000"),
    ]


@pytest.mark.usefixtures("shared_rows")
def test_an_overlapping_statement_adds_only_what_is_new(alice, portfolio):
    commit(alice, preview(alice, portfolio, OWN))
    shown = preview(alice, portfolio, OWN.replace(b">2025-02-04<", b">2025-02-05<").replace(b">R2<", b">R3<"))
    assert shown["counts"]["transaction"]["create"] == 1
    assert shown["counts"]["value"]["create"] == 0
