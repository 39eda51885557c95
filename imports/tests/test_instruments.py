"""Securities of files: instruments are found or made, and what is held of them is corrected to what the file says."""

from datetime import date
from decimal import Decimal

import pytest

from assets.holdings.events import QUANTITY_PLACES
from assets.holdings.reading import quantities_of
from assets.models import Asset, AssetTag, Category, Instrument, InstrumentAction, Tag, Transaction
from assets.prices.store import recorded_prices
from imports.formats import detection
from imports.formats.registry import Format
from imports.formats.rows import (
    Account,
    ActionItem,
    Details,
    FileRow,
    PriceItem,
    Reading,
    RowType,
    TransactionItem,
)
from imports.formats.rows import Instrument as Security
from imports.tests.import_requests import IMPORTS, commit, preview, rows, undo
from tests.factories import create_asset

pytestmark = pytest.mark.usefixtures("shared_rows")

HOLDINGS = (
    b"account,date,balance,currency,ticker\nPlan,2025-01-31,2,USD,MSFT\nPlan,2025-02-28,3.5,USD,MSFT\n"
    b"Coins,2025-01-31,0.5,BTC,\n"
)
MSFT = Security("MSFT", "Microsoft", "share", "USD", isin="US5949181045")
JANUARY = date(2025, 1, 2)


def held(name, on):
    asset = Asset.objects.get(name=name)
    return Decimal(quantities_of([asset.pk])[asset.pk].on(date.fromisoformat(on))).scaleb(-QUANTITY_PLACES)


def test_balance_of_a_ticker_is_what_is_held(alice, portfolio):
    new_import = preview(alice, portfolio, HOLDINGS)
    assert (new_import["counts"]["asset"]["create"], new_import["counts"]["instrument"]["create"]) == (2, 2)
    assert "NO_PRICES" in [warning["code"] for warning in new_import["warnings"]]
    assert [
        (item["type"], item["quantity"]) for row in rows(alice, new_import) for item in row["becomes"]
    ] == [
        ("ADJUST", "2"),
        ("ADJUST", "1.5"),
        ("ADJUST", "0.5"),
    ]
    commit(alice, new_import)
    assert (held("Plan MSFT", "2025-02-01"), held("Plan MSFT", "2025-03-01")) == (2, Decimal("3.5"))
    assert Asset.objects.get(name="Coins").instrument.instrument_type == "crypto"
    assert set(Asset.objects.values_list("valuation", flat=True)) == {"market"}


def test_other_balance_of_a_day_corrects_the_later_ones(alice, portfolio):
    commit(alice, preview(alice, portfolio, HOLDINGS))
    again = preview(alice, portfolio, HOLDINGS)
    assert again["counts"]["transaction"] == {"create": 0, "update": 0, "skip": 3, "refuse": 0}
    later = preview(alice, portfolio, HOLDINGS.replace(b"31,2,", b"31,1,") + b"Plan,2025-03-31,4,USD,MSFT\n")
    assert later["counts"]["transaction"] == {"create": 1, "update": 2, "skip": 1, "refuse": 0}
    commit(alice, later)
    assert [held("Plan MSFT", on) for on in ("2025-02-01", "2025-03-01", "2025-04-01")] == [
        1,
        Decimal("3.5"),
        4,
    ]
    undo(alice, later)
    assert [held("Plan MSFT", on) for on in ("2025-02-01", "2025-04-01")] == [2, Decimal("3.5")]


def test_undo_removes_the_instruments_that_nothing_else_uses(alice, portfolio):
    new_import = preview(alice, portfolio, HOLDINGS)
    commit(alice, new_import)
    undone = undo(alice, new_import)
    assert (undone["removed"]["asset"], undone["removed"]["instrument"]) == (2, 2)
    assert not Instrument.objects.filter(household=portfolio.household).exists()


def test_instrument_of_an_asset_made_by_hand_is_in_use(alice, portfolio):
    new_import = preview(alice, portfolio, HOLDINGS)
    commit(alice, new_import)
    asset = create_asset(portfolio, "Mine", currency="USD")
    asset.instrument = Instrument.objects.get(symbol="MSFT")
    asset.save()
    refused = undo(alice, new_import, expected=409)
    assert [error["code"] for error in refused["errors"]] == ["IN_USE"]
    kept = undo(alice, new_import, force=True)["kept"]
    assert [(row["row_type"], row["name"]) for row in kept] == [("instrument", "MSFT")]


# --- all that a format may say, by one that is made for this ---


def trade(kind, on, *, amount, quantity, leg="", account="Depot: US5949181045|USD", **values):
    return TransactionItem(
        account, kind, on, None, Decimal(amount), quantity and Decimal(quantity), leg=leg, **values
    )


def everything(reading):
    depot = reading.account(
        Account(
            "Microsoft", "USD", "STOCKS", MSFT, "Depot", Details(tags=("Tech",), categories=(("A", "B"),))
        )
    )
    other = reading.account(Account("Microsoft", "USD", "STOCKS", MSFT, "Other"))
    cash = reading.account(Account("Cash USD", "USD", "CHECKING_ACCOUNT"))
    key = MSFT.key
    buy = trade("ACQUIRE", JANUARY, amount="200", quantity="2", fee=Decimal(1), unit_price=Decimal(100))
    paid = trade("DISPOSE", JANUARY, amount="201", quantity=None, account=cash, leg="cash")
    items = [
        (RowType.TRANSACTION, (buy, paid)),
        (RowType.TRANSACTION, (buy, paid)),
        (RowType.PRICE, (PriceItem(key, JANUARY, Decimal("100.5")),)),
        (RowType.PRICE, (PriceItem(key, JANUARY, Decimal("101.5")),)),
        (RowType.PRICE, (PriceItem(key, date(2190, 1, 1), Decimal(5)),)),
        (RowType.ACTION, (ActionItem(key, date(2025, 3, 1), "split", 2, 1),)),
        (
            RowType.TRANSACTION,
            (
                TransactionItem(depot, "TRANSFER", date(2025, 2, 1), None, None, Decimal(-1)),
                TransactionItem(other, "TRANSFER", date(2025, 2, 1), None, None, Decimal(1), leg="in"),
            ),
        ),
        (RowType.TRANSACTION, (trade("INCOME", JANUARY, amount="-5", quantity=None),)),
    ]
    for line, (row_type, several) in enumerate(items, 1):
        yield FileRow(line, {"line": str(line)}, row_type, several)


@pytest.fixture
def one_format(monkeypatch):
    stub = Format("made", lambda file, options: 1, lambda file, options: Reading("made", {}, everything))
    monkeypatch.setattr(detection, "FORMATS", (stub,))


@pytest.mark.usefixtures("one_format")
def test_trades_prices_splits_and_transfers_are_made_and_undone(alice, portfolio):
    new_import = preview(alice, portfolio, b"x")
    assert {name: counts["create"] for name, counts in new_import["counts"].items()} == {
        "asset": 3,
        "value": 0,
        "transaction": 6,
        "instrument": 1,
        "price": 1,
        "action": 1,
    }
    assert (new_import["refused"], new_import["skipped"]) == (2, 1)
    codes = [row["reason"]["code"] for row in rows(alice, new_import) if row["reason"]]
    assert codes == ["ALREADY_THERE", "OUT_OF_RANGE", "OUT_OF_RANGE"]
    assert not [warning for warning in new_import["warnings"] if warning["code"] == "NO_PRICES"]
    done = commit(alice, new_import)
    assert done["made"] == {name: counts["create"] for name, counts in new_import["counts"].items()}
    depot = Asset.objects.get(institution="Depot")
    units = quantities_of([depot.pk])[depot.pk]
    assert [units.on(on) // 10**QUANTITY_PLACES for on in (JANUARY, date(2025, 2, 2), date(2025, 4, 1))] == [
        4,
        3,
        6,
    ]
    [price] = recorded_prices(depot.instrument_id, None, None)
    assert (price.number, price.scale) == (1015, 1)
    legs = Transaction.objects.filter(asset__name="Cash USD")
    assert {(row.type, row.amount, row.external_id[-5:]) for row in legs} == {("DISPOSE", 201, "/cash")}
    assert AssetTag.objects.get(asset=depot).tag.name == "Tech"
    assert Category.objects.get(name="B").parent.name == "A"
    again = preview(alice, portfolio, b"x")
    assert {counts["create"] for counts in again["counts"].values()} == {0}
    undone = undo(alice, new_import)
    assert undone["removed"] == done["made"]
    left = (Asset, Instrument, InstrumentAction, Tag, Category, Transaction)
    assert not [model for model in left if model.objects.filter(**HOUSEHOLD_OF[model](portfolio)).exists()]


HOUSEHOLD_OF = {
    Asset: lambda portfolio: {"portfolio": portfolio},
    Transaction: lambda portfolio: {"asset__portfolio": portfolio},
    **{
        model: lambda portfolio: {"household": portfolio.household}
        for model in (Instrument, InstrumentAction, Tag)
    },
    Category: lambda portfolio: {"household": portfolio.household, "name__in": ["A", "B"]},
}


@pytest.mark.usefixtures("one_format")
def test_cash_legs_can_be_left_out(alice, portfolio):
    new_import = preview(alice, portfolio, b"x", options={"cash": False})
    assert new_import["counts"]["transaction"]["create"] == 4


@pytest.mark.usefixtures("one_format")
def test_instrument_of_the_household_is_found_by_its_isin(alice, portfolio):
    own = Instrument.objects.create(
        household=portfolio.household, symbol="OTHER", name="x", isin=MSFT.isin, currency="USD"
    )
    new_import = preview(alice, portfolio, b"x")
    assert new_import["counts"]["instrument"]["create"] == 0
    own.currency = "EUR"
    own.save()
    assert alice.post(f"{IMPORTS}/{new_import['id']}/commit").json()["code"] == "IMPORT_STALE"


@pytest.mark.usefixtures("one_format")
def test_prices_of_a_shared_instrument_stay(alice, portfolio):
    Instrument.objects.create(symbol="MSFT", name="x", isin=MSFT.isin, currency="USD")
    new_import = preview(alice, portfolio, b"x")
    assert new_import["counts"]["price"] == {"create": 0, "update": 0, "skip": 2, "refuse": 1}
    commit(alice, new_import)
    assert not recorded_prices(Instrument.objects.get(symbol="MSFT").pk, None, None)
