"""A preview is true only while all that it depends on is as it was: any write of it makes the commit 409."""

from __future__ import annotations

import pytest

from assets.models import AssetSnapshot, Transaction
from imports.tests.import_requests import API, IMPORTS, commit, preview
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")
BOOKING = {"type": "ACQUIRE", "amount": "5", "on": "2025-03-01"}


@pytest.fixture
def savings(alice, portfolio):
    """An account of the file, with two values and two bookings."""
    asset = create_asset(portfolio, "Savings")
    for number in range(2):
        add_value(asset, 5, day(number))
        added = alice.post(f"{API}/assets/{asset.pk}/transactions", BOOKING)
        assert added.status_code == 201, added.content
    return asset


def first_of(model) -> str:
    """Not the one that was written last."""
    kind = "snapshots" if model is AssetSnapshot else "transactions"
    row = model.objects.order_by("updated_at", "pk").first()
    return f"{API}/assets/{row.asset_id}/{kind}/{row.pk}"


WRITES = {
    "a value is edited": lambda client, asset: client.patch(first_of(AssetSnapshot), {"value": "6"}),
    "a value is deleted": lambda client, asset: client.delete(first_of(AssetSnapshot)),
    "a booking is added": lambda client, asset: client.post(f"{API}/assets/{asset.pk}/transactions", BOOKING),
    "a booking is edited": lambda client, asset: client.patch(first_of(Transaction), {"amount": "6"}),
    "a booking is deleted": lambda client, asset: client.delete(first_of(Transaction)),
    "the asset is edited": lambda client, asset: client.patch(f"{API}/assets/{asset.pk}", {"notes": "x"}),
    "the portfolio is edited": lambda client, asset: client.patch(
        f"{API}/portfolios/{asset.portfolio_id}", {"name": "Other"}
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_any_write_makes_it_stale_until_it_is_made_again(alice, portfolio, savings, write):
    new_import = preview(alice, portfolio)
    before = AssetSnapshot.objects.count()
    assert write(alice, savings).status_code in (200, 201, 204)
    written = AssetSnapshot.objects.count()
    assert commit(alice, new_import, 409)["code"] == "IMPORT_STALE"
    assert AssetSnapshot.objects.count() == written <= before
    assert alice.patch(f"{IMPORTS}/{new_import['id']}", {"options": {}}).status_code == 200
    assert commit(alice, new_import)["made"]["value"] == 3
