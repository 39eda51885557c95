"""The ledger as it is read from rows: trades in order, actions of the household, and everything that is linked."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.holdings.events import QUANTITY_UNIT, TradeType
from assets.holdings.reading import quantities_of, read_ledger
from assets.models import Asset, Instrument, InstrumentAction, Transaction
from portfolios.lot_method import LotMethod
from portfolios.models import Portfolio

JAN, FEB, MAR = date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10)


@pytest.fixture
def share(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


def holding(portfolio, instrument=None, **values):
    values = {"name": "Shares", "currency": "EUR", "asset_type_id": TypeId.STOCKS} | values
    return Asset.objects.create(portfolio=portfolio, instrument=instrument, **values)


def trade(asset, kind, on, quantity=None, *, hour=12, **values):
    at = datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
    values = {"currency": "EUR", "amount": 1} | values
    return Transaction.objects.create(
        asset=asset, type=kind, on=on, occurred_at=at, quantity=quantity, **values
    )


def held(asset, *days, **options):
    steps = quantities_of([asset.pk], **options)[asset.pk]
    return [D(int(steps.on(day))) / QUANTITY_UNIT for day in days]


def test_quantity_follows_from_transactions_else_it_is_that_of_the_asset(portfolio, share):
    asset = holding(portfolio, share, quantity=D("7.5"), acquired_on=FEB)
    assert held(asset, JAN, FEB, MAR) == [0, D("7.5"), D("7.5")]
    trade(asset, "INCOME", FEB)
    assert held(asset, FEB) == [D("7.5")]
    trade(asset, "ACQUIRE", FEB, D(10))
    trade(asset, "DISPOSE", MAR, D(4))
    trade(asset, "INCOME", MAR, D("0.5"))
    assert held(asset, JAN, FEB, MAR) == [0, 10, D("6.5")]


def test_quantity_without_a_day_of_acquisition_counts_from_the_first_price(portfolio, share):
    asset = holding(portfolio, share, quantity=3)
    assert held(asset, JAN, FEB, first_prices={share.pk: FEB}) == [0, 3]
    assert held(asset, JAN) == [0]
    assert held(holding(portfolio, quantity=3), JAN) == [3]


def test_split_counts_before_the_transactions_of_its_day_and_once(portfolio, share, household):
    asset = holding(portfolio, share)
    trade(asset, "ACQUIRE", JAN, D(10))
    trade(asset, "DISPOSE", FEB, D(1))
    split = {"instrument": share, "type": "split", "on": FEB, "numerator": 4, "denominator": 1}
    InstrumentAction.objects.create(household=household, **split)
    InstrumentAction.objects.create(**split)
    assert held(asset, JAN, FEB) == [10, 39]


def test_spin_off_goes_to_the_asset_of_the_same_portfolio(portfolio, share, household):
    new = Instrument.objects.create(household=household, symbol="NEW", name="New", currency="EUR")
    asset, receiver = holding(portfolio, share), holding(portfolio, new, name="New")
    elsewhere = Portfolio.objects.create(household=household, name="Elsewhere")
    holding(elsewhere, new, name="Foreign")
    trade(asset, "ACQUIRE", JAN, D(10))
    InstrumentAction.objects.create(
        household=household,
        instrument=share,
        to_instrument=new,
        type="spin_off",
        on=FEB,
        numerator=1,
        denominator=2,
        cost_ratio=D("0.25"),
    )
    assert held(receiver, JAN, FEB) == [0, 5]
    assert set(read_ledger([receiver.pk])) == {asset.pk, receiver.pk}


def test_transfers_link_assets_of_two_portfolios(portfolio, share, household):
    destination = holding(Portfolio.objects.create(household=household, name="Elsewhere"), share)
    source, transfer_id = holding(portfolio, share), uuid4()
    trade(source, "ACQUIRE", JAN, D(10))
    trade(source, "TRANSFER", FEB, D(-4), transfer_id=transfer_id, amount=None)
    trade(destination, "TRANSFER", FEB, D(4), transfer_id=transfer_id, amount=None)
    assert held(destination, JAN, FEB) == [0, 4]
    ledger = read_ledger([destination.pk])
    assert [event.other_asset_id for event in ledger[destination.pk].events] == [source.pk]
    assert [event.type for event in ledger[source.pk].events] == [TradeType.ACQUIRE, TradeType.TRANSFER]


def test_trades_of_a_day_are_by_instant_and_position(portfolio, share):
    asset = holding(portfolio, share)
    late = trade(asset, "ACQUIRE", JAN, D(1), hour=15)
    second = trade(asset, "ACQUIRE", JAN, D(2), position=1)
    first = trade(
        asset, "DISPOSE", JAN, D(3), fee=D("0.5"), lots=[{"transaction_id": str(late.pk), "quantity": "1"}]
    )
    events = read_ledger([asset.pk])[asset.pk].events
    assert [event.transaction_id for event in events] == [first.pk, second.pk, late.pk]
    assert (events[0].fee, events[0].lots) == (5000, ((late.pk, QUANTITY_UNIT),))


def test_method_is_the_assets_or_the_portfolios_or_the_households(portfolio, share, household):
    asset = holding(portfolio, share)
    methods = [read_ledger([asset.pk])[asset.pk].method]
    for row, method in ((household, "lifo"), (portfolio, "hifo"), (asset, "average")):
        type(row).objects.filter(pk=row.pk).update(lot_method=method)
        methods.append(read_ledger([asset.pk])[asset.pk].method)
    assert methods == ["fifo", "lifo", "hifo", "average"]
    assert read_ledger([asset.pk], method=LotMethod.LIFO)[asset.pk].method == "lifo"


def test_number_of_queries_is_fixed(portfolio, share):
    counts = []
    for _ in range(2):
        asset = holding(portfolio, share, name=f"Shares {len(counts)}")
        trade(asset, "ACQUIRE", JAN, D(1))
        with CaptureQueriesContext(connection) as queries:
            quantities_of([asset.pk])
        counts.append(len(queries))
    assert counts == [5, 5]
