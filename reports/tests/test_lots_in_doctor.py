"""doctor recomputes lots and gains, and looks at the legs of transfers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.doctor import transfers_have_two_legs
from assets.models import Transaction
from investments.calculations import lot_book
from investments.queries import conservation
from reports.doctor import lots_lose_and_make_nothing
from strata.doctor import Level
from tests.factories import create_asset, day

from .test_investments import buy, post, sell


@pytest.fixture
def moved(alice, portfolio):
    """5 of 10 shares that were transferred, and a sale at each of both assets."""
    source, target = (create_asset(portfolio, name, TypeId.STOCKS) for name in ("Source", "Target"))
    buy(source, 0, 10, 100, fee=1)
    post(alice, f"assets/{source.pk}/transfer", to_asset_id=target.pk, on=day(2), quantity="5")
    sell(source, 3, 2, 30)
    sell(target, 3, 9, 45)
    return source, target


def levels(check) -> list[Level]:
    return [level for level, _ in check()]


def test_lots_and_transfers_in_order(moved, monkeypatch):
    monkeypatch.setattr(conservation, "ASSETS_AT_A_TIME", 1)
    assert levels(lots_lose_and_make_nothing) == levels(transfers_have_two_legs) == [Level.OK]


def test_lots_that_lose_cost_are_named(moved, monkeypatch):
    monkeypatch.setattr(
        lot_book.Lot, "left", lambda lot: lot_book.Part(lot, lot.rest, lot.cost, lot.reported)
    )
    lines = list(lots_lose_and_make_nothing())
    assert {level for level, _ in lines} == {Level.FAIL}
    assert f"asset {moved[0].pk}, fifo: gains, cost and what is missing are not what the cash shows" in [
        text for _, text in lines
    ]


def test_transfer_whose_legs_do_not_agree_is_named(moved):
    leg = Transaction.objects.get(asset=moved[1], transfer_id__isnull=False)
    rows = Transaction.objects.filter(pk=leg.pk)
    rows.update_unrecorded(quantity=Decimal(6))
    ((level, text),) = transfers_have_two_legs()
    assert (level, str(leg.transfer_id) in text) == (Level.FAIL, True)
    rows.update_unrecorded(quantity=Decimal(5), on=day(3))
    assert levels(transfers_have_two_legs) == [Level.FAIL]


def test_lots_went_with_a_deleted_asset(alice, moved):
    assert alice.delete(f"/api/v1/assets/{moved[1].pk}").status_code == 204
    assert levels(lots_lose_and_make_nothing) == levels(transfers_have_two_legs) == [Level.OK]
