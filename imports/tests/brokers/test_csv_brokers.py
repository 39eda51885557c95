"""The CSVs of Trade Republic and of Schwab."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from imports.formats.rows import ActionItem
from imports.tests.all_formats import own, real_sample
from imports.tests.trackers.sums import amounts, cash, fees, held, items, read, reasons

pytestmark = pytest.mark.on_sqlite  # no database can change it


def taxes(rows):
    return sum((item.tax for item in items(rows)), Decimal(0))


def test_trade_republic():
    reading, rows = read(own("trade-republic.csv"))
    # The dividend was paid and taken back with its tax: 5.10 and -5.10.
    received = 1000 - 683 + Decimal("176.50") + Decimal("0.26") - Decimal("3.20") - Decimal("0.33") - 5 - 50
    assert cash(rows)["Cash EUR|EUR"] == received
    assert held(rows) == {"Trade Republic: US0378331005|EUR": 3, "Trade Republic: BTC|EUR": Decimal("0.001")}
    assert (fees(rows), taxes(rows)) == (2, Decimal("2.50") + Decimal("0.90") + Decimal("0.08"))
    assert reasons(rows) == [
        (13, "NOT_A_TRANSACTION"),
        (14, "NOT_A_TRANSACTION"),
        (15, "UNKNOWN_TYPE"),
        (16, "MISSING_FIELD"),
    ]
    assert reading.questions == []


def test_a_dividend_that_is_taken_back_is_an_expense_and_its_tax_an_income():
    _, rows = read(own("trade-republic.csv"))
    back = [(item.account, item.type, item.amount) for item in rows[4].items]
    security = "Trade Republic: US0378331005|EUR"
    assert back == [
        (security, "EXPENSE", 6),
        (security, "INCOME", Decimal("0.90")),
        ("Cash EUR|EUR", "DISPOSE", Decimal("5.10")),
    ]
    assert {item.on for item in rows[4].items} == {date(2024, 2, 15)}


def test_real_file_of_trade_republic_with_dividends_that_were_corrected():
    _, rows = read(real_sample("traderepublic/TransactionExport04.csv"))
    assert (len(rows), reasons(rows)) == (8, [])
    assert cash(rows)["Cash EUR|EUR"] == Decimal("5.40")
    sums = Counter()
    for item in items(rows):
        if not item.leg:
            sums[item.type] += item.amount
    assert sums["INCOME"] == sums["EXPENSE"] == Decimal("130.52")
    assert len({item.external_id for item in items(rows) if not item.leg}) == 8


def test_schwab():
    reading, rows = read(own("schwab.csv"))
    account = "Individual ...789"
    assert reading.questions == []
    assert cash(rows)[f"{account} USD|USD"] == Decimal("1360.31")
    assert held(rows) == {
        f"{account}: VTI|USD": Decimal("4.01"),
        f"{account}: NVDA|USD": 10,
        f"{account}: TSLA 240419C00300000|USD": -1,
    }
    assert fees(rows) == Decimal("0.67")
    assert reasons(rows) == [
        (4, "UNSUPPORTED_ACTION"),
        (5, "UNKNOWN_TYPE"),
        (9, "WITH_ANOTHER_ROW"),
        (16, "TOTAL"),
    ]
    assert [(item.instrument, item.numerator, item.denominator) for item in items(rows, ActionItem)] == [
        ("NVDA|USD", 4, 1)
    ]


def test_schwab_counts_the_second_of_two_days_and_one_booking_for_a_reinvested_dividend():
    _, rows = read(own("schwab.csv"))
    assert {item.on for item in rows[3].items} == {date(2024, 3, 14)}
    (again,) = rows[5].items
    assert (again.type, again.quantity, again.amount) == ("INCOME", Decimal("0.01"), Decimal("2.50"))


def test_schwab_prices_an_option_by_its_hundred_shares():
    reading, rows = read(own("schwab.csv"))
    option = reading.accounts["Individual ...789: TSLA 240419C00300000|USD"]
    assert (option.instrument.quote_unit, option.asset_type) == ("100", "STOCKS")
    assert (rows[7].items[0].amount, rows[7].items[0].unit_price) == (310, Decimal("3.10"))
    assert [warning.code for warning in reading.warnings] == []


def test_real_file_of_schwab():
    _, rows = read(real_sample("schwab/schwab_no_title_row.csv"))
    assert len(rows) == 11
    assert cash(rows) == {"Cash USD|USD": Decimal("5273.38"), **other_accounts(rows)}
    assert fees(rows) == Decimal("1.31")
    assert reasons(rows) == [(12, "TOTAL")]
    assert min(item.on for item in items(rows)) == date(2023, 1, 9)
    sums = amounts(rows, legs=False)
    assert sums["INCOME", "USD"] == Decimal("0.03") + Decimal("1.84") + Decimal("8.52")
    assert date(2023, 4, 15) in {item.on for item in items(rows)}


def other_accounts(rows):
    """Income at a security has no quantity."""
    return {key: number for key, number in cash(rows).items() if not key.startswith("Cash ")}
