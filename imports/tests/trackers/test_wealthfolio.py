"""Wealthfolio's activities and holdings."""

from decimal import Decimal

import pytest

from imports.formats.rows import ActionItem, PriceItem, QuantityItem
from imports.tests.all_formats import own, real_sample
from imports.tests.trackers.sums import amounts, cash, fees, held, items, read, reasons, values

pytestmark = pytest.mark.on_sqlite  # no database can change it


def test_activities():
    reading, rows = read(own("wealthfolio.csv"))
    assert held(rows) == {"Broker: AAPL|USD": 15, "Broker: GOOGL|USD": 2}
    trades = -2 * Decimal("1859.95") + Decimal("4.80") + Decimal("955.05")
    assert cash(rows)["Broker USD|USD"] == trades + 5000 - Decimal("1.50") - 25
    assert reasons(rows) == [(10, "NOT_A_TRANSACTION"), (11, "UNKNOWN_TYPE")]
    assert [(item.instrument, item.numerator, item.denominator) for item in items(rows, ActionItem)] == [
        ("NVDA|USD", 3, 1)
    ]
    assert "CURRENCY_ASSUMED" in [warning.code for warning in reading.warnings]


def test_holdings_are_quantities_prices_and_a_value():
    _, rows = read(own("wealthfolio-holdings.csv"))
    assert [item.quantity for item in items(rows, QuantityItem)] == [10, 12]
    assert [item.price for item in items(rows, PriceItem)] == [Decimal("185.5"), 190]
    assert values(rows) == [("Cash USD|USD", "2024-01-31", Decimal("1500.25"))]


def test_real_file_with_every_type():
    _, rows = read(real_sample("wealthfolio/full-coverage-import.csv"))
    sums = amounts(rows)
    bought, moved_in = {"EUR": 99500, "USD": 39145}, 5000 + 3000
    sold, moved_out = {"EUR": 50250, "USD": 28560}, 2000 + 1000
    assert sums["ACQUIRE", "EUR"] == bought["EUR"]
    assert sums["ACQUIRE", "USD"] == bought["USD"] + moved_in
    assert (sums["DISPOSE", "EUR"], sums["DISPOSE", "USD"]) == (sold["EUR"], sold["USD"] + moved_out)
    assert (sums["INCOME", "EUR"], sums["INCOME", "USD"]) == (2000, 12 + 100)
    assert sums["EXPENSE", "EUR"] + sums["EXPENSE", "USD"] == 17 + 625
    assert fees(rows) == Decimal("19.9") + Decimal("50.5")
    assert reasons(rows) == [(29, "NOT_A_TRANSACTION")]
    assert len(rows) == 28


def test_real_file_without_amounts():
    _, rows = read(real_sample("wealthfolio/sample-import.csv"))
    sums = amounts(rows)
    assert sums["ACQUIRE", "USD"] == 3755 + 5000 + 280
    assert (sums["ACQUIRE", "CAD"], sums["DISPOSE", "USD"]) == (1700, 960 + 1000)
    assert sums["INCOME", "USD"] == Decimal("2.40") + Decimal("62.50") + Decimal("12.50") + 50
    assert fees(rows) == Decimal("9.99") + Decimal("14.85")
    assert sum(isinstance(item, ActionItem) for row in rows for item in row.items) == 1
