"""Journals of ledger and hledger."""

from decimal import Decimal

import pytest

from imports.tests.all_formats import own, real_sample
from imports.tests.trackers.sums import amounts, cash, fees, held, items, prices, read, reasons, values

pytestmark = pytest.mark.on_sqlite  # no database can change it

CHECKING = "Assets:Checking|EUR"


@pytest.fixture(scope="module")
def journal():
    return read(own("journal.ledger"))


def test_money_is_that_of_the_postings(journal):
    reading, rows = journal
    assert cash(rows) == {
        CHECKING: 1000 + 2500 - 505 + 240,
        "Wealth:Purse|USD": 50,
        "Liabilities:Visa Card|EUR": Decimal("-40.10"),
    }
    assert amounts(rows)["EXPENSE", "EUR"] == Decimal("40.10")
    assert reading.accounts["Liabilities:Visa Card|EUR"].asset_type == "CREDIT_CARD"
    assert [(warning.code, warning.line) for warning in reading.warnings] == [("BALANCE_DIFFERS", 44)]
    assert [(question.code, question.required) for question in reading.questions] == [("CURRENCY", False)]
    assert (CHECKING, "2024-01-05", 3500) in values(rows)


def test_a_sign_of_many_currencies_is_what_a_person_says():
    reading, rows = read(own("journal.ledger"), currency="CAD")
    assert cash(rows)["Wealth:Purse|CAD"] == 50
    assert not reading.questions


def test_units_have_their_costs(journal):
    _, rows = journal
    assert [(item.type, item.quantity, item.amount, item.fee) for item in items(rows) if item.quantity] == [
        ("ACQUIRE", 10, 500, 5),
        ("DISPOSE", 4, 240, 0),
        ("ADJUST", 3, None, 0),
    ]
    assert held(rows) == {"Wealth:Shares: ABC|EUR": 6, "Wealth:Shares: A B2|EUR": 3}
    assert [(price.instrument, price.price) for price in prices(rows)] == [("ABC|EUR", Decimal("62.5"))]
    assert fees(rows) == 5


def test_only_what_cannot_be_read_is_refused(journal):
    _, rows = journal
    assert sorted((row.line, row.refusal.code) for row in rows if row.refusal) == [
        (2, "UNSUPPORTED"),
        (15, "UNSUPPORTED"),
        (18, "UNSUPPORTED"),
        (35, "UNSUPPORTED"),
        (51, "MISSING_FIELD"),
        (55, "BAD_DATE"),
        (59, "UNKNOWN_TYPE"),
        (63, "BAD_NUMBER"),
        (69, "UNSUPPORTED"),
        (70, "UNSUPPORTED"),
    ]
    assert (68, "NOT_A_TRANSACTION") in reasons(rows)


@pytest.mark.parametrize(
    ("written", "amount"),
    [("-$20", -20), ("$-20.5", Decimal("-20.5")), ("$ -1,000.00", -1000), ("USD 3", 3), ("3USD", 3)],
)
def test_amounts_are_written_in_many_ways(written, amount):
    _, rows = read(f"2024-01-01 x\n  Assets:A  {written}\n  Equity:B\n".encode())
    assert cash(rows) == {"Assets:A|USD": amount}


def test_decimal_commas_are_seen():
    _, rows = read(b"2024-01-01 x\n  Aktiva:Bank  1.234,56 EUR\n  Einnahmen:Lohn\n")
    assert cash(rows) == {"Aktiva:Bank|EUR": Decimal("1234.56")}


def test_real_journal_of_ledger():
    _, rows = read(real_sample("ledger/demo.ledger"))
    assert cash(rows) == {
        "Assets:Checking|USD": -4124,
        "Assets:Savings|USD": -5200,
        "Liabilities:Mortgage:Principal|USD": 200,
        "Liabilities:MasterCard|USD": -20,
    }
    # 12,174 were spent, 2,030 earned.
    assert amounts(rows, legs=True)["EXPENSE", "USD"] == 11000 + 40 + 300 + 334 + 500
    assert amounts(rows, legs=True)["INCOME", "USD"] == 2030
    assert (len([row for row in rows if row.items]), reasons(rows)) == (13, [])
    assert ("Assets:Checking|USD", "2011-12-01", -4124) in values(rows)


def test_real_journal_of_hledger():
    reading, rows = read(real_sample("hledger/accounttypes.journal"))
    assert cash(rows) == {
        "x:assets:bank:checking|USD": 750,
        "x:assets:broker:usd|USD": 1000,
        "x:assets:cash|USD": 100,
        "x:liabilities:credit card|USD": -200,
    }
    assert held(rows) == {"x:assets:broker:aaa: AAA|USD": 1}
    [bought] = [item for item in items(rows) if item.quantity]
    assert (bought.type, bought.amount) == ("ACQUIRE", Decimal("1.2"))
    assert (reading.warnings, [row for row in rows if row.refusal]) == ([], [])
