"""That doctor notices when lots lose or make something."""

from __future__ import annotations

import pytest

from investments.calculations import lot_book, lots
from investments.calculations.conservation import faults
from investments.tests.ledgers import A, B, C, action, buy, ledger, sell, trade, transfer

pytestmark = pytest.mark.on_sqlite  # no database can change it


def every_kind():
    """Three assets with all that can happen to lots; two actions of one day depend on each other."""
    leaving, arriving = transfer(4, 3, A, B)
    return ledger(
        {
            A: [
                buy(0, 10, 100, fee=1, tax=2),
                buy(1, 3, "33.3333", currency="USD"),
                trade("INCOME", 2, 1, 7),
                trade("ADJUST", 2, 1, 5),
                trade("ADJUST", 3, -2),
                leaving,
                action("split", 5, 3, 2),
                action("return_of_capital", 5, cash="1.55"),
                sell(6, 5, "77.77", fee=1),
                action("spin_off", 7, 1, 3, to_asset_id=C, cost_ratio="0.3"),
                sell(8, 100, 500),
                buy(9, 7, 70),
                action("merger", 10, 2, 3, to_asset_id=B, cash="0.77", cost_ratio="0.1"),
                action("merger", 11, 1, 1, cash=3),
            ],
            B: [arriving, sell(12, 2, 9)],
            C: [buy(1, None, 200_000), sell(13, None, 250_000, closes=True)],
        }
    )


@pytest.mark.parametrize("allow_short", [False, True])
def test_nothing_is_lost_whatever_happens(allow_short):
    events = {pk: asset._replace(allow_short=allow_short) for pk, asset in every_kind().items()}
    assert list(faults(events)) == []


def test_a_wrong_cut_is_noticed_by_every_method(monkeypatch):
    monkeypatch.setattr(
        lot_book.Lot, "left", lambda lot: lot_book.Part(lot, lot.rest, lot.cost, lot.reported)
    )
    named = list(faults(ledger({A: [buy(0, 10, 100), sell(1, 3, 50)]})))
    assert {fault.about for fault in named} == {"gains, cost and what is missing are not what the cash shows"}
    assert "fifo" in {fault.method for fault in named} and {fault.asset_id for fault in named} == {A}


def test_lost_proceeds_and_quantities_are_noticed(monkeypatch):
    monkeypatch.setattr(lots, "shared_out", lambda amount, weights: [amount // 2 for _ in weights])
    monkeypatch.setattr(lots._Holding, "miss", lambda *args: None)
    about = {fault.about for fault in faults(ledger({A: [buy(0, 3, 100), sell(1, 5, 90)]}))}
    assert "the proceeds of the lots are not those of the sales" in about
    assert "the missing quantity of the lots is not that of the transactions" in about


def test_a_transfer_that_loses_its_lots_is_noticed(monkeypatch):
    leaving, arriving = transfer(1, 3, A, B)
    events = ledger({A: [buy(0, 10, 100), leaving], B: [arriving]})
    assert not list(faults(events))
    monkeypatch.setattr(lots._Holding, "transfer", lambda *args: None)
    assert {fault.asset_id for fault in faults(events)} == {A, B}
