"""Investment accounts of OFX: trades with their money, income, and what was held before the first row."""

from datetime import date
from decimal import ROUND_DOWN, Decimal

import pytest

from assets.holdings.reading import quantities_of
from assets.models import Asset
from imports.formats.rows import QuantityItem
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview
from imports.tests.trackers.sums import amounts, cash, fees, held, items, prices, read, reasons, values

OWN = own("broker.qfx")
SHARES, FUND, MONEY = "B1: EXS|USD", "B1: 200000002|USD", "B1 USD|USD"


def opening(rows):
    return {(item.account, item.on.isoformat()): item.quantity for item in items(rows, QuantityItem)}


@pytest.mark.on_sqlite
def test_trades_income_and_their_money():
    reading, rows = read(OWN)
    assert amounts(rows) == {
        ("ACQUIRE", "USD"): 255,
        ("DISPOSE", "USD"): 20,
        ("INCOME", "USD"): 10 + 12 + 13 + 1000,
        ("EXPENSE", "USD"): 2,
    }
    money = Decimal("-256.5") + Decimal("19.75") + Decimal("8.5") - 2 + 1000
    assert cash(rows)[MONEY] == money
    assert held(rows) == {SHARES: Decimal("10.5"), FUND: -2}
    assert values(rows) == [(MONEY, "2025-03-31", Decimal("1756.25"))]
    assert fees(rows) == Decimal("1.25")
    assert reading.accounts[FUND].asset_type == "FUND"
    assert reading.accounts[SHARES].name == "Example & Sons"


@pytest.mark.on_sqlite
def test_what_was_held_before_the_first_row():
    _, rows = read(OWN)
    assert opening(rows) == {(SHARES, "2025-01-09"): 20, (FUND, "2025-01-09"): 2}
    assert [(item.on, item.price) for item in prices(rows)] == [(date(2025, 3, 31), 27)]


@pytest.mark.on_sqlite
def test_what_is_left_out_and_why():
    assert reasons(read(OWN)[1]) == [
        (10, "SUMMARY_ROW"),
        (14, "MISSING_FIELD"),
        (15, "BAD_NUMBER"),
        (22, "NOT_BOOKED"),
    ]


@pytest.mark.on_sqlite
def test_a_position_that_cannot_be_read_is_not_taken_for_sold():
    _, rows = read(OWN.replace(b"<UNITS>30.5<", b"<UNITS>many<"))
    assert (19, "BAD_NUMBER") in reasons(rows)
    assert opening(rows) == {}


@pytest.mark.on_sqlite
def test_real_account_of_a_broker():
    _, rows = read(real_sample("ofx/fidelity.ofx"))
    money = Decimal("-11686.1") + Decimal("65.9") + Decimal("1094.1") - Decimal("0.57")
    assert cash(rows)["01234567890 USD|USD"] == money
    assert values(rows) == [("01234567890 USD|USD", "2012-09-08", Decimal("18073.98"))]
    before = {account.split(": ")[1]: number for (account, _), number in opening(rows).items() if number}
    assert before == {"RHT|USD": 50, "SPY|USD": Decimal("8.035")}
    at_end = {account.split(": ")[1]: number for account, number in held(rows).items()}
    at_end = {account: at_end.get(account, 0) + before.get(account, 0) for account in {*at_end, *before}}
    assert at_end.pop("SPY|USD") == 0
    worth = {item.instrument: item.price * at_end[item.instrument] for item in prices(rows)}
    cents = [number.quantize(Decimal("0.01"), ROUND_DOWN) for number in worth.values()]
    assert sum(cents) == Decimal("14919.80")
    assert [code for _, code in reasons(rows)] == ["SUMMARY_ROW"] * 2  # dividends that were reinvested


@pytest.mark.usefixtures("shared_rows")
def test_a_later_file_adds_its_trades_and_nothing_that_is_held_already(alice, portfolio):
    commit(alice, preview(alice, portfolio, OWN))
    later = OWN.replace(b"<FITID>T", b"<FITID>U").replace(b"<UNITS>30.5<", b"<UNITS>41<")
    for old, new in ((b"202501", b"202505"), (b"202502", b"202506"), (b"202503", b"202507")):
        later = later.replace(old, new)
    assert opening(read(later)[1])[SHARES, "2025-05-09"] == Decimal("30.5")
    commit(alice, preview(alice, portfolio, later))
    shares = Asset.objects.get(name="Example & Sons")
    assert quantities_of([shares.pk])[shares.pk].on(date(2025, 8, 1)) == 41 * 10**18
