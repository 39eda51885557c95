"""Ledgers are kept in the process: a report is of the present state after any write, and reads no transaction twice."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, Transaction
from assets.services.entries.transactions import add_transaction
from investments.queries.kept_ledgers import KEPT, InvestedLedger, KeptByState
from strata.audit import clock
from tests.factories import add_value, create_asset

ON = date(2024, 3, 1)


@pytest.fixture
def shares(portfolio):
    asset = create_asset(portfolio, "Shares", TypeId.STOCKS)
    add_value(asset, 500, ON)
    bought(asset, 10)
    return asset


def bought(asset: Asset, quantity: int) -> Transaction:
    return add_transaction(asset.pk, type="ACQUIRE", quantity=quantity, amount=100, on=ON)


def lots(client, **asked) -> dict:
    answer = client.get("/api/v1/lots", {"on": "2024-06-01", "detail": 1} | asked)
    assert answer.status_code == 200
    return answer.json()["results"][0]


def reads_transactions(client, **asked) -> bool:
    with CaptureQueriesContext(connection) as seen:
        lots(client, **asked)
    return any('"assets_transaction"."occurred_at"' in query["sql"] for query in seen)


def test_transactions_are_read_once_for_all_methods_and_days(alice, shares):
    assert reads_transactions(alice)
    assert not reads_transactions(alice, method="lifo")
    assert not reads_transactions(alice, on="2024-04-01", currency="USD")


def test_other_assets_or_filters_are_another_ledger(alice, shares):
    lots(alice)
    assert reads_transactions(alice, include="all")
    assert reads_transactions(alice, type="STOCKS")


def test_every_write_is_in_the_next_report(alice, shares):
    assert lots(alice)["quantity"] == "10"
    row = bought(shares, 5)
    assert lots(alice)["quantity"] == "15"
    path = f"/api/v1/assets/{shares.pk}/transactions/{row.pk}"
    assert alice.patch(path, {"quantity": "6"}).status_code == 200
    assert lots(alice)["quantity"] == "16"
    assert alice.delete(path).status_code == 204
    assert lots(alice)["quantity"] == "10"
    assert alice.patch(f"/api/v1/assets/{shares.pk}", {"lot_method": "lifo"}).status_code == 200
    assert lots(alice)["method"] == "lifo"


def test_past_is_never_kept(alice, shares):
    lots(alice)
    now = clock.written_at().isoformat()
    assert reads_transactions(alice, known_at=now)
    bought(shares, 5)
    assert lots(alice, known_at=now)["quantity"] == "10"


def test_strangers_ledger_is_their_own(alice, charlie, shares):
    lots(alice)
    assert charlie.get("/api/v1/lots").json()["results"] == []


def test_only_so_many_events_are_kept():
    kept, empty = KeptByState(most=2), InvestedLedger({}, {})
    read = []

    def ledger_of(size: int) -> InvestedLedger:
        read.append(size)
        return empty if not size else SizedLedger({}, {}, size)

    for key, size in (("a", 1), ("b", 1), ("a", 1), ("c", 1), ("b", 1), ("huge", 3), ("huge", 3)):
        kept.get_or_read(key, lambda size=size: ledger_of(size))
    assert read == [
        1,
        1,
        1,
        1,
        3,
        3,
    ]  # "a" was kept for "c", so "b" was read again; what is too large is never kept
    assert not KEPT._kept


class SizedLedger(InvestedLedger):
    def __new__(cls, assets, ledger, size):
        ledger_of_size = super().__new__(cls, assets, ledger)
        ledger_of_size._size = size
        return ledger_of_size

    @property
    def size(self) -> int:
        return self._size
