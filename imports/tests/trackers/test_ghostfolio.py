"""Ghostfolio's export and its CSV, with the real samples that lie beside the repository."""

import json
from datetime import date
from decimal import Decimal

import pytest

from imports.tests.all_formats import own, real_sample
from imports.tests.trackers.sums import amounts, cash, fees, held, items, prices, read, reasons, values

pytestmark = pytest.mark.on_sqlite  # no database can change it


def test_export_becomes_trades_values_and_prices():
    reading, rows = read(own("ghostfolio.json"))
    assert reasons(rows) == [(9, "ZERO_ROW"), (10, "UNKNOWN_TYPE")]
    assert amounts(rows) == {
        ("ACQUIRE", "EUR"): Decimal("1052.5") + 15000 + 5000,
        ("ACQUIRE", "GBP"): Decimal("37.02"),
        ("DISPOSE", "EUR"): 440,
        ("INCOME", "EUR"): 3,
        ("INCOME", "USD"): 7,
        ("EXPENSE", "EUR"): Decimal("9.9"),
    }
    assert held(rows) == {"Broker: IE00BK5BQT80|EUR": 6, "Garage|EUR": 1, "Broker: SHEL.L|GBP": 3}
    assert values(rows)[-2:] == [
        ("Broker|EUR", "2024-01-31", Decimal("1000.25")),
        ("Broker|EUR", "2024-02-29", 2000),
    ]
    assert [(price.instrument, price.price) for price in prices(rows)] == [
        ("IE00BK5BQT80", Decimal("105.5")),
        ("IE00BK5BQT80", 106),
    ]
    assert reading.accounts["Broker: IE00BK5BQT80|EUR"].details.tags == ("Old age",)
    assert reading.accounts["Garage|EUR"].asset_type == "REAL_ESTATE"


def test_midnight_of_a_zone_to_the_east_is_the_next_day():
    reading, rows = read(own("ghostfolio.json"))
    assert items(rows)[1].on == date(2024, 2, 2)
    assert "LOCAL_MIDNIGHT" in [warning.code for warning in reading.warnings]
    _, rows = read(own("ghostfolio.json"), time_zone="America/New_York")
    assert items(rows)[0].on == date(2024, 1, 1)


def test_pence_are_a_hundredth_of_the_currency():
    reading, rows = read(own("ghostfolio.json"))
    shell = reading.accounts["Broker: SHEL.L|GBP"].instrument
    assert (shell.currency, shell.quote_unit) == ("GBP", "1/100")
    [bought] = [item for item in items(rows) if "SHEL" in item.account]
    assert (bought.unit_price, bought.amount) == (1234, Decimal("37.02"))


def test_real_export():
    reading, rows = read(real_sample("ghostfolio/ok-sample.json"))
    assert amounts(rows) == {
        ("EXPENSE", "USD"): 49,
        ("ACQUIRE", "USD"): Decimal("501492.9"),
        ("INCOME", "USD"): Decimal("3.1"),
    }
    assert fees(rows) + 49 == 68
    assert [value for *_, value in values(rows)] == [2000, 1000]
    assert {account.name for account in reading.accounts.values()} == {
        "My Online Trading Account",
        "MSFT",
        "Penthouse Apartment",
    }
    assert reasons(rows) == [(5, "ZERO_ROW")]


def test_real_export_in_cents_of_a_rand():
    reading, rows = read(real_sample("ghostfolio/ok-derived-currency.json"))
    assert amounts(rows) == {("ACQUIRE", "ZAR"): Decimal("543.75")}
    [account] = reading.accounts.values()
    assert (account.currency, account.instrument.quote_unit, account.holder) == (
        "ZAR",
        "1/100",
        "My Online Trading Account",
    )


def test_real_csv_with_four_spellings_of_days():
    _, rows = read(real_sample("ghostfolio/ok-sample.csv"))
    assert amounts(rows) == {
        ("EXPENSE", "USD"): 49,
        ("ACQUIRE", "USD"): Decimal("501492.9"),
        ("INCOME", "USD"): Decimal("3.1"),
    }
    assert fees(rows) + 49 == 68
    assert [item.on.isoformat() for item in items(rows)] == [
        "2021-09-01",
        "2021-09-16",
        "2021-11-17",
        "2022-01-01",
    ]
    assert reasons(rows) == [(6, "ZERO_ROW")]


def test_only_the_bad_line_of_the_real_csv_is_refused():
    _, rows = read(real_sample("ghostfolio/not-ok-invalid-multi-line.csv"), date_order="dmy")
    assert reasons(rows) == [(4, "UNKNOWN_TYPE"), (5, "ZERO_ROW")]
    assert amounts(rows) == {("ACQUIRE", "USD"): Decimal("1492.9"), ("INCOME", "USD"): Decimal("3.1")}


def test_cash_of_a_fee_is_paid_by_the_account():
    _, rows = read(own("ghostfolio.json"))
    assert cash(rows)["Broker|EUR"] == Decimal("-9.9")
    assert cash(rows)["Cash USD|USD"] == 7


def test_units_may_be_free():
    activity = {
        "type": "BUY",
        "date": "2024-01-02",
        "symbol": "X",
        "currency": "EUR",
        "unitPrice": 0,
        "fee": 0,
    }
    trades = [activity | {"quantity": quantity} for quantity in (3, 0)]
    _, rows = read(json.dumps({"meta": {}, "activities": trades}).encode())
    assert [(item.quantity, item.amount) for item in items(rows)] == [(3, 0)]
    assert reasons(rows) == [(2, "ZERO_ROW")]


def test_securities_of_one_name_are_two_and_money_of_that_name_is_a_third():
    profiles = [{"symbol": symbol, "name": "Bund", "currency": "EUR"} for symbol in ("A", "B")]
    trade = {"type": "BUY", "date": "2024-01-02", "currency": "EUR", "unitPrice": 1, "fee": 0}
    trades = [trade | {"symbol": symbol, "quantity": number} for number, symbol in enumerate("ABA", 1)]
    balance = {"date": "2024-01-02", "value": 7}
    accounts = [{"id": "1", "name": "Bund", "currency": "EUR", "balances": [balance]}]
    accounts += [{"id": "2", "name": "D: A", "currency": "EUR", "balances": [balance]}]
    accounts += [{"id": "3", "name": "D", "currency": "EUR", "balances": []}]
    trades.append(trades[0] | {"accountId": "3", "quantity": 9})
    content = {"meta": {}, "accounts": accounts, "assetProfiles": profiles, "activities": trades}
    _, rows = read(json.dumps(content).encode())
    assert held(rows) == {"Bund|EUR": 4, "Bund (2)|EUR": 2, "D: A|EUR": 9}
    assert {(key, value) for key, _, value in values(rows)} == {("Bund (3)|EUR", 7), ("D: A (2)|EUR", 7)}
