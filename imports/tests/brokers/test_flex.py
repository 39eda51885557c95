"""Interactive Brokers' Flex queries."""

from datetime import date
from decimal import Decimal

import pytest

from assets.models import Transaction
from imports.formats.rows import ActionItem
from imports.reading.refusals import FileRefused
from imports.tests.all_formats import own, real_sample
from imports.tests.import_requests import commit, preview, undo
from imports.tests.trackers.sums import amounts, cash, fees, held, items, read, reasons

APPLE, CASH = "U1: US0378331005|USD", "U1 USD|USD"


def taxes(rows):
    return sum((item.tax for item in items(rows)), Decimal(0))


def of_cash(rows):
    return {key: number for key, number in cash(rows).items() if ": " not in key}


@pytest.mark.on_sqlite
def test_trades_money_and_splits():
    reading, rows = read(own("flex.xml"))
    assert held(rows) == {APPLE: 6, "U1: GB00BH4HKS39|GBP": 100, "U1: TSLA  240419C00300000|USD": -1}
    assert of_cash(rows) == {
        "U1 EUR|EUR": 5000 - 2000 - 2 - Decimal("0.9"),
        CASH: 2180
        - 1856
        + Decimal("759.98")
        + Decimal("309.34")
        + Decimal("2.04")
        + Decimal("0.10")
        - Decimal("9.99"),
        "U1 GBP|GBP": -70 - Decimal("0.35") - 3,
    }
    (split,) = items(rows, ActionItem)
    assert (split.instrument, split.on, split.numerator, split.denominator) == (
        "US0378331005",
        date(2024, 4, 1),
        4,
        1,
    )
    assert [code for _, code in reasons(rows)] == [
        "SUMMARY_ROW",
        "CANCELLED",
        "CANCELLED",
        "UNSUPPORTED",
        "BAD_DATE",
        "WITH_ANOTHER_ROW",
        "SUMMARY_ROW",
        "UNKNOWN_TYPE",
        "UNSUPPORTED_ACTION",
    ]
    assert [line for line, code in reasons(rows) if code == "UNSUPPORTED_ACTION"] == [28]
    assert [(warning.code, warning.text) for warning in reading.warnings] == [
        ("POSITION_DIFFERS", "VOD: 150 / 100")
    ]


@pytest.mark.on_sqlite
def test_prices_stay_as_they_are_quoted():
    reading, rows = read(own("flex.xml"))
    pence, option = reading.instruments["GB00BH4HKS39"], reading.instruments["TSLA  240419C00300000|USD"]
    assert (pence.currency, pence.quote_unit) == ("GBP", "1/100")
    assert (option.instrument_type, option.quote_unit) == ("option", "100")
    prices = [
        (item.unit_price, item.amount) for item in items(rows) if item.quantity and item.account != APPLE
    ]
    assert prices == [(70, 70), (Decimal("3.1"), 310)]


@pytest.mark.on_sqlite
def test_tax_is_of_the_dividend_of_its_day_else_a_booking_of_its_own():
    _, rows = read(own("flex.xml"))
    assert [
        (item.type, item.amount, item.tax) for item in items(rows) if item.external_id in ("202", "204")
    ] == [
        ("INCOME", Decimal("2.4"), Decimal("0.36")),
        ("INCOME", Decimal("0.10"), 0),
    ]


@pytest.mark.on_sqlite
def test_a_statement_under_the_root_and_no_rows_at_all():
    reading, rows = read(b'<FlexStatement accountId="U1"><Trades/></FlexStatement>')
    assert (rows, [warning.code for warning in reading.warnings]) == ([], ["NOTHING_INSIDE"])


@pytest.mark.on_sqlite
def test_days_that_can_be_read_both_ways_are_asked_about():
    data = own("flex.xml").replace(b'"2024', b'"x2024').replace(b'"x20240306"', b'"03/06/2024"')
    assert [question.code for question in read(data)[0].questions] == ["DATE_ORDER"]


@pytest.mark.on_sqlite
def test_entities_are_refused():
    data = b'<!DOCTYPE x [<!ENTITY a "b">]><FlexQueryResponse><FlexStatement/></FlexQueryResponse>'
    with pytest.raises(FileRefused) as refused:
        read(data)
    assert refused.value.code == "ENTITIES_REFUSED"


@pytest.mark.on_sqlite
def test_real_file_without_prices_ids_and_proceeds():
    _, rows = read(real_sample("ibkr/pp-flex-12.xml"))
    assert [code for _, code in reasons(rows)] == ["WITH_ANOTHER_ROW"] * 4
    assert len(rows) == 4 + 14
    bought = amounts([row for row in rows[:4]])
    assert bought == {
        ("ACQUIRE", "CAD"): 1230,
        ("ACQUIRE", "USD"): 5812 + Decimal("4543.5") + Decimal("1502.5"),
    }
    assert fees(rows) == 4 + 6
    dividends_cad, dividends_usd = Decimal("88.75"), Decimal("83.69")
    assert of_cash(rows) == {
        "XXXXXUSD CAD|CAD": -1234 + dividends_cad - Decimal("15.9"),
        "XXXXXUSD USD|USD": -(5814 + Decimal("4545.5") + Decimal("1504.5"))
        + dividends_usd
        - Decimal("11.1")
        - Decimal("9.99"),
        "XXXXXUSD EUR|EUR": 999 - Decimal("2.68"),
    }
    assert taxes(rows) == Decimal("15.9") + Decimal("8.58") + Decimal("3.97")


@pytest.mark.on_sqlite
def test_real_file_with_a_cancelled_exchange():
    _, rows = read(real_sample("ibkr/pp-flex-28.xml"))
    assert [code for _, code in reasons(rows)] == ["CANCELLED", "CANCELLED"]
    assert of_cash(rows) == {"U1234567 USD|USD": Decimal("-1145.9294"), "U1234567 TWD|TWD": 34650}
    assert [item.external_id for item in items(rows)] == ["4610738885", "4610738885/exchange"]


def trades(*rows):
    return read(trades_file(*rows))[1]


def trades_file(*rows):
    shared = 'assetCategory="STK" symbol="A" currency="USD" tradeDate="20240306" tradePrice="4" quantity'
    nodes = "".join(f"<Trade {shared}={row} />" for row in rows)
    return f'<FlexStatement accountId="U1"><Trades>{nodes}</Trades></FlexStatement>'.encode()


@pytest.mark.on_sqlite
def test_of_two_equal_trades_the_one_that_is_named_is_cancelled():
    bought = [f'"1" buySell="BUY" transactionID="{number}"' for number in (1, 2, 3)]
    rows = trades(*bought, '"-1" buySell="BUY (Ca.)" transactionID="4" origTransactionID="2"')
    assert [item.external_id for item in items(rows) if not item.leg] == ["1", "3"]


FIRST = (
    '"10" buySell="BUY" transactionID="1" ibCommission="-1"',
    '"2" buySell="BUY" transactionID="2" ibCommission="-1"',
)
CANCELLED = '"-2" buySell="BUY (Ca.)" transactionID="3" {} ibCommission="1"'
BY_ID, BY_NUMBERS = CANCELLED.format('origTransactionID="2"'), CANCELLED.format("")
AGAIN = '"3" buySell="BUY" transactionID="4" ibCommission="-1"'


def held_and_paid():
    units, money = Decimal(0), Decimal(0)
    for row in Transaction.objects.select_related("asset"):
        if row.asset.instrument_id:
            units += row.quantity
        else:
            money += row.amount
    return units, money


@pytest.mark.usefixtures("shared_rows")
@pytest.mark.parametrize(
    "files",
    [
        ([*FIRST], [BY_ID, AGAIN]),
        ([*FIRST], [BY_NUMBERS, AGAIN]),
        ([BY_ID, AGAIN], [*FIRST]),
        ([*FIRST], [*FIRST, BY_ID, AGAIN]),
        ([*FIRST, BY_ID, AGAIN], [*FIRST]),
        ([*FIRST], [*FIRST, BY_NUMBERS], [AGAIN]),
    ],
)
def test_a_cancellation_takes_back_what_another_file_made(alice, portfolio, files):
    imports = []
    for rows in files:
        imports.append(preview(alice, portfolio, trades_file(*rows)))
        commit(alice, imports[-1])
    assert held_and_paid() == (13, 13 * 4 + 2)
    for rows in files:
        counts = preview(alice, portfolio, trades_file(*rows))["counts"]["transaction"]
        assert (counts["create"], counts["update"]) == (0, 0)


@pytest.mark.usefixtures("shared_rows")
def test_an_undo_gives_back_what_was_cancelled(alice, portfolio):
    commit(alice, preview(alice, portfolio, trades_file(*FIRST)))
    later = preview(alice, portfolio, trades_file(BY_ID))
    assert later["counts"]["transaction"]["update"] == 2
    commit(alice, later)
    assert held_and_paid() == (10, 41)
    undo(alice, later)
    assert held_and_paid() == (12, 50)


@pytest.mark.usefixtures("shared_rows")
def test_a_cancellation_of_what_is_not_known_is_refused(alice, portfolio):
    new_import = preview(alice, portfolio, trades_file(BY_NUMBERS))
    assert (new_import["refused"], new_import["counts"]["transaction"]["create"]) == (1, 0)
