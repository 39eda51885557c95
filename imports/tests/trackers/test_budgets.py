"""The CSV of Actual, YNAB, Sure and Mint."""

from datetime import date
from decimal import Decimal

import pytest

from imports.tests.all_formats import own, real_sample
from imports.tests.trackers.sums import amounts, cash, items, read, reasons, values

pytestmark = pytest.mark.on_sqlite  # no database can change it

JANUARY = date(2024, 1, 31)


def test_whole_of_a_split_is_not_counted_beside_its_parts():
    reading, rows = read(own("actual.csv"), currency="EUR")
    assert cash(rows) == {"Checking|EUR": 850, "Savings|EUR": 100}
    assert amounts(rows) == {("ACQUIRE", "EUR"): 1100, ("DISPOSE", "EUR"): 100, ("EXPENSE", "EUR"): 50}
    assert sorted(reasons(rows)) == [(3, "SUMMARY_ROW"), (8, "BAD_NUMBER")]
    assert values(rows)[-1] == ("Checking|EUR", "2024-01-20", 850)
    assert reading.format == "actual-csv"


def test_outflow_and_inflow_and_transfers_of_ynab():
    reading, rows = read(own("ynab.csv"))
    assert cash(rows) == {"Checking|USD": 2000 - 50 - 100 + 500, "Savings|USD": 100}
    assert amounts(rows)["INCOME", "USD"] == 2000
    assert [value for account, _, value in values(rows) if account == "Checking|USD"] == [500, 400, 350, 2350]
    assert (reading.questions, reasons(rows)) == ([], [(7, "BAD_DATE")])


def test_currency_that_a_person_gives_counts_more_than_a_sign():
    assert set(cash(read(own("ynab.csv"), currency="CAD")[1])) == {"Checking|CAD", "Savings|CAD"}


def test_type_of_mint_gives_the_sign():
    _, rows = read(own("mint.csv"), currency="USD")
    assert amounts(rows) == {
        ("EXPENSE", "USD"): Decimal("78.32"),
        ("INCOME", "USD"): 2512,
        ("DISPOSE", "USD"): Decimal("45.67"),
    }
    assert reasons(rows) == [(6, "UNKNOWN_TYPE")]


def test_real_file_of_mint():
    data = real_sample("sure/mint.csv")
    reading, rows = read(data, currency="USD", date_order="mdy")
    assert amounts(rows) == {("EXPENSE", "USD"): Decimal("1795.30"), ("INCOME", "USD"): Decimal("2545.67")}
    assert (items(rows)[0].on, items(rows)[-1].on) == (date(2023, 5, 1), date(2023, 5, 10))
    assert reading.accounts["Credit Card|USD"].asset_type == "CREDIT_CARD"
    assert [question.code for question in read(data)[0].questions] == ["DATE_ORDER", "CURRENCY"]


def test_bookings_and_accounts_of_sure():
    _, rows = read(own("sure.csv"), currency="EUR")
    assert cash(rows) == {"Main account|EUR": 2000 - 50 - Decimal("15.5")}
    assert [item.type for item in items(rows)] == ["EXPENSE", "INCOME", "DISPOSE"]
    reading, rows = read(own("sure-accounts.csv"), on=JANUARY)
    assert [value for *_, value in values(rows)] == [Decimal("1500.25"), Decimal("320.10")]
    assert [(question.code, question.account) for question in reading.questions] == [
        ("SIGN", "Visa card|EUR")
    ]
    assert "DAY" in [question.code for question in read(own("sure-accounts.csv"))[0].questions]


def test_real_file_in_another_encoding():
    reading, rows = read(real_sample("sure/windows1250.csv"), currency="PLN")
    assert (reading.format, reading.detected["encoding"]) == ("sure-csv", "cp1250")
    assert cash(rows) == {"Konto główne|PLN": -170, "Karta kredytowa|PLN": Decimal("-15.5")}
    assert items(rows)[0].note.startswith("Sklep spożywczy")
