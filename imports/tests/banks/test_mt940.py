"""MT940: the signs of what is taken back, days that do not exist, pages, and the check of sums."""

from decimal import Decimal

import pytest

from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview, values_of
from imports.tests.trackers.sums import amounts, cash, items, read, reasons, values

OWN = own("statement.sta")
ACCOUNT = "10020030/1234567|EUR"


def said(reading):
    return [(warning.code, warning.line, warning.text) for warning in reading.warnings]


@pytest.mark.on_sqlite
def test_bookings_and_balances():
    reading, rows = read(OWN)
    assert cash(rows) == {ACCOUNT: Decimal("6800") - 7 - 6 + Decimal("3.5") - Decimal("0.5")}
    assert amounts(rows) == {("INCOME", "EUR"): Decimal("6803.5"), ("EXPENSE", "EUR"): Decimal("13.5")}
    assert values(rows) == [
        (ACCOUNT, "2025-02-02", 100),
        (ACCOUNT, "2025-03-10", Decimal("6890.5")),
        (ACCOUNT, "2025-03-11", 6890),
    ]
    assert said(reading) == [("CLAMPED", 10, "250230: 2025-02-28")]
    assert reading.questions == []


@pytest.mark.on_sqlite
def test_rows_that_cannot_be_read_are_refused_by_line():
    assert reasons(read(OWN)[1]) == [
        (17, "NOT_BOOKED"),
        (18, "SUMMARY_ROW"),
        (25, "BAD_NUMBER"),
        (26, "BAD_DATE"),
        (27, "UNSUPPORTED"),
        (24, "SUMMARY_ROW"),
        (33, "SUMMARY_ROW"),
    ]


@pytest.mark.on_sqlite
def test_what_a_booking_says_in_each_dialect():
    notes = [item.note for item in items(read(OWN)[1])]
    assert notes == [
        "Café Kaffee",
        "Café Kaffee",
        "ENTGELTABSCHLUSS",
        "/NAME/Employer/REMI/Salary of March",
        "Taken back",
        "Correction",
    ]


@pytest.mark.on_sqlite
def test_a_sum_that_does_not_match_is_a_warning():
    reading, rows = read(OWN.replace(b"RC0,50", b"C0,50"))
    assert said(reading)[-1] == ("BALANCE_DIFFERS", 30, "6891.0 / 6890")
    assert len(values(rows)) == 3


@pytest.mark.on_sqlite
def test_the_currency_is_asked_for_where_no_balance_has_one():
    data = b":20:X\n:25:1\n:61:250304C1,00NTRFNONREF\n"
    reading, rows = read(data)
    assert [question.code for question in reading.questions] == ["CURRENCY"]
    reading, rows = read(data, currency="CHF")
    assert (cash(rows), [warning.code for warning in reading.warnings]) == ({"1|CHF": 1}, ["NO_BALANCES"])


@pytest.mark.on_sqlite
def test_real_statements():
    reading, rows = read(real_sample("mt940/actual-data.sta"))
    account = "FR7630006000011234567890189|EUR"
    assert cash(rows) == {account: Decimal("996.71")}
    assert [item.type for item in items(rows)] == ["EXPENSE", "INCOME", *["EXPENSE"] * 4]
    assert values(rows) == [(account, "2025-07-31", 1500), (account, "2025-08-06", Decimal("2496.71"))]
    assert (reasons(rows), said(reading)) == ([], [])
    reading, rows = read(real_sample("mt940/february_30.sta"))
    account = "12345678/1020304050|EUR"
    assert cash(rows) == {account: -6}
    assert values(rows) == [(account, "2016-02-28", 1200), (account, "2016-03-01", 1194)]
    assert [code for code, *_ in said(reading)] == ["CLAMPED"]


@pytest.mark.usefixtures("shared_rows")
def test_two_equal_bookings_are_both_kept_and_a_longer_file_adds_what_is_new(alice, portfolio):
    first = commit(alice, preview(alice, portfolio, OWN))
    assert first["made"]["transaction"] == 6
    longer = OWN.rstrip(b"-\n") + b"\n:61:250312C1,00NTRFNONREF\n-\n"
    shown = preview(alice, portfolio, longer)
    assert {kind: counts["create"] for kind, counts in shown["counts"].items() if counts["create"]} == {
        "transaction": 1
    }
    assert len(values_of(portfolio)) == 3
