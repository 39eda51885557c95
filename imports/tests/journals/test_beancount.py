"""Journals of beancount."""

from datetime import date
from decimal import Decimal

import pytest

from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview, values_of
from imports.tests.trackers.sums import amounts, cash, fees, held, items, prices, read, reasons, values

CHECKING, BROKER, CARD = "Assets:Bank:Checking|EUR", "Assets:Broker:Cash|EUR", "Liabilities:CreditCard|EUR"
SHARES = "Assets:Broker:Shares: ABC|EUR"


@pytest.fixture(scope="module")
def journal():
    return read(own("journal.beancount"))


@pytest.mark.on_sqlite
def test_money_is_that_of_the_postings(journal):
    reading, rows = journal
    assert cash(rows) == {CHECKING: Decimal("759.90"), BROKER: Decimal("1232.50"), CARD: 0}
    assert amounts(rows)["INCOME", "EUR"] == 2000 + 61
    assert [account.asset_type for account in reading.accounts.values()][:2] == [
        "CHECKING_ACCOUNT",
        "CASH",
    ]
    assert reading.accounts[CARD].asset_type == "CREDIT_CARD"


@pytest.mark.on_sqlite
def test_units_have_their_costs(journal):
    reading, rows = journal
    assert [
        (item.type, item.quantity, item.amount, item.fee) for item in items(rows) if item.account == SHARES
    ] == [
        ("ACQUIRE", 10, 500, 5),
        ("DISPOSE", 4, 240, Decimal("2.5")),
        ("INCOME", 1, 61, 0),
        ("ADJUST", 2, None, 0),
    ]
    assert (held(rows), fees(rows)) == ({SHARES: 9}, Decimal("7.5"))
    assert [(price.instrument, price.on, price.price) for price in prices(rows)] == [
        ("ABC|EUR", date(2024, 1, 31), 62)
    ]
    assert reading.instruments["ABC|EUR"].name == "Abc plc"


@pytest.mark.on_sqlite
def test_a_payment_is_spent_and_moved(journal):
    _, rows = journal
    [paid] = [row for row in rows if row.items and row.read["line"].startswith("2024-01-27")]
    assert [(item.account, item.type, item.amount) for item in items([paid])] == [
        (CARD, "ACQUIRE", Decimal("40.10")),
        (CHECKING, "EXPENSE", 700),
        (CHECKING, "DISPOSE", Decimal("40.10")),
    ]


@pytest.mark.on_sqlite
def test_balances_are_values_of_the_day_before_and_are_checked(journal):
    reading, rows = journal
    by_day = {(account, on): value for account, on, value in values(rows)}
    assert by_day[CHECKING, "2024-01-01"] == 1000
    assert by_day[CHECKING, "2024-01-31"] == Decimal("759.90")
    assert by_day[CARD, "2024-01-26"] == Decimal("-40.10")
    # 737.50 is not what the accounts of the broker have.
    assert [(warning.code, warning.line) for warning in reading.warnings] == [("BALANCE_DIFFERS", 70)]


@pytest.mark.on_sqlite
def test_only_what_cannot_be_read_is_refused(journal):
    _, rows = journal
    refused = [(row.line, row.refusal.code) for row in rows if row.refusal]
    assert sorted(refused) == [
        (2, "UNSUPPORTED"),
        (3, "UNSUPPORTED"),
        (4, "UNSUPPORTED"),
        (57, "BAD_DATE"),
        (61, "BAD_NUMBER"),
        (65, "MISSING_FIELD"),
        (75, "UNSUPPORTED"),
    ]
    assert (73, "NOT_A_TRANSACTION") in reasons(rows)  # a rate between currencies


@pytest.mark.usefixtures("shared_rows")
def test_real_journal_is_written_once(alice, portfolio):
    data = real_sample("beancount/starter.beancount")
    shown = preview(alice, portfolio, data, name="starter.beancount")
    assert (shown["format"], shown["refused"], shown["questions"]) == ("beancount", 2, [])
    created = commit(alice, shown)["made"]
    assert (created["asset"], created["instrument"], created["price"]) == (10, 5, 5)
    assert ("Assets:US:BofABank:Savings", "2013-12-21", "2402.8100") in values_of(portfolio)
    again = preview(alice, portfolio, data, name="starter.beancount")
    assert {counts["create"] + counts["update"] for counts in again["counts"].values()} == {0}


@pytest.mark.on_sqlite
def test_real_journal():
    reading, rows = read(real_sample("beancount/starter.beancount"))
    assert held(rows) == {
        "Assets:US:Fidelity:Boogle401k:RGAGX: RGAGX|USD": Decimal("201.02"),
        "Assets:US:Fidelity:Boogle401k:VBMPX: VBMPX|USD": Decimal("743.82"),
        "Assets:US:RealEstate:BrickHome: BRICKHOME|USD": 1,
        "Assets:US:ETrade:Investment:HOOL: HOOL|USD": 12,
        "Assets:US:ETrade:Investment:AAPL: AAPL|USD": 10,
    }
    money = cash(rows)
    assert money["Assets:US:BofABank:Checking|USD"] == Decimal("973.03")
    assert money["Assets:US:BofABank:Savings|USD"] == Decimal("2402.81")
    assert money["Assets:US:ETrade:Investment:Cash|USD"] == Decimal("102.10")
    assert sum(money.values()) == Decimal("-99475.66")
    bought = {item.account: Decimal(0) for item in items(rows) if item.quantity}
    for item in items(rows):
        bought[item.account] = bought.get(item.account, 0) + (item.amount or 0 if item.quantity else 0)
    assert bought["Assets:US:ETrade:Investment:HOOL: HOOL|USD"] == 8 * Decimal("701.20") + 4 * Decimal(
        "850.08"
    )
    assert (len(prices(rows)), fees(rows), reading.warnings) == (5, Decimal("23.85"), [])
    assert [row.line for row in rows if row.refusal] == [56, 59]
