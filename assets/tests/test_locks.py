"""The lock for writes of an asset and its values and transactions."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from assets.services.assets import update_asset
from portfolios.models import Portfolio
from strata.exceptions import NotFound
from strata.fields.ids import uuid7
from strata.tenancy.guards import held_guards
from strata.tenancy.writes import locked_row, save_changes

ASSETS = Asset.objects.select_related("portfolio")


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Cash", currency="EUR"
    )


@pytest.fixture
def other(household):
    return Portfolio.objects.create(household=household, name="Other")


def test_the_portfolio_that_it_is_in_is_locked_and_the_one_that_it_goes_to(asset, other):
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        row = locked_row(ASSETS, asset.pk, "asset", changes={"portfolio_id": other.pk})
        assert row == asset
        held = held_guards(row)
    *locks, read = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    # One for the household, one for the portfolios. SQLite has no locks of rows.
    assert len(locks) == (2 if connection.features.has_select_for_update else 0)
    for lock in locks:
        # The keys may be joined: only the rows are locked.
        locked_rows, _, their_keys = lock.partition(" IN (")
        assert " JOIN " not in locked_rows
        assert their_keys.endswith("FOR NO KEY UPDATE")
    assert " JOIN " in read
    if locks:
        assert held.guards.portfolios == {asset.portfolio_id, other.pk}
    assert held_guards(row) is None  # the transaction has ended


def test_an_asset_or_a_portfolio_that_is_gone_is_named(asset):
    moved = {"portfolio_id": uuid7()}
    for asset_id, changes, resource in ((uuid7(), {}, "asset"), (asset.pk, moved, "portfolio")):
        with pytest.raises(NotFound) as refused, transaction.atomic():
            update_asset(asset_id, changes)
        assert refused.value.resource == resource


def test_a_row_that_was_deleted_is_not_made_again_by_saving_it(asset):
    known = Asset.objects.get(pk=asset.pk)
    asset.delete()
    known.name = "New"
    with pytest.raises(NotFound), transaction.atomic():
        known.save()
    assert not Asset.objects.exists()


def test_nothing_is_made_below_what_is_gone(asset):
    deleted = Asset.objects.get(pk=asset.pk)
    asset.delete()
    with pytest.raises(NotFound) as refused, transaction.atomic():
        AssetSnapshot.objects.create(asset=deleted, value=1, on="2026-01-31", observed_at=timezone.now())
    assert refused.value.resource == "asset"


def test_rows_go_to_one_parent_at_a_time(asset, other):
    asset.portfolio = other
    with pytest.raises(TypeError):
        Asset.objects.bulk_update([asset], ["portfolio"])


# --- guards that are held ---


def read_held(asset):
    return locked_row(ASSETS, asset.pk, "asset", changes={"portfolio_id": asset.portfolio_id})


def revisions(*portfolios):
    return [Portfolio.objects.get(pk=portfolio.pk).revision for portfolio in portfolios]


def test_move_in_a_savepoint_that_is_rolled_back_is_forgotten(asset, other):
    first = asset.portfolio
    before = revisions(first, other)
    with transaction.atomic():
        row = locked_row(ASSETS, asset.pk, "asset", changes={"portfolio_id": other.pk})
        with transaction.atomic():
            row.portfolio = other
            row.save()
            transaction.set_rollback(True)
        row.portfolio = other
        row.save()
    assert revisions(first, other) == [before[0] + 1, before[1] + 1]


def test_row_that_was_deleted_while_it_is_held_is_not_made_again(asset):
    with pytest.raises(NotFound), transaction.atomic():
        row = read_held(asset)
        Asset.objects.filter(pk=asset.pk).delete()
        row.name = "New"
        row.save()
    with pytest.raises(NotFound), transaction.atomic():
        row = read_held(asset)
        Asset.objects.filter(pk=asset.pk).delete()
        save_changes(row, {"name": "New"})


def test_child_of_an_asset_that_moved_meanwhile_raises_the_revision_of_where_it_is(asset, other):
    before = revisions(other)
    with transaction.atomic():
        held = read_held(asset)
        moved = Asset.objects.get(pk=asset.pk)
        moved.portfolio = other
        moved.save()
        AssetSnapshot.objects.create(asset=held, value=1, on="2026-01-31", observed_at=timezone.now())
    assert revisions(other) == [before[0] + 2]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_held_outside_of_a_transaction(asset):
    if connection.features.has_select_for_update:
        with pytest.raises(transaction.TransactionManagementError):
            locked_row(ASSETS, asset.pk, "asset")
    else:
        assert held_guards(locked_row(ASSETS, asset.pk, "asset")) is None


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_stranger_locks_nothing(charlie, asset, method):
    snapshot = AssetSnapshot.objects.create(asset=asset, value=1, on="2026-01-31", observed_at=timezone.now())
    api = "/api/v1"
    for path in (
        f"{api}/assets/{asset.pk}",
        f"{api}/portfolios/{asset.portfolio_id}",
        f"{api}/assets/{asset.pk}/snapshots/{snapshot.pk}",
    ):
        with CaptureQueriesContext(connection) as queries:
            assert getattr(charlie, method)(path, {}).status_code == 404
        assert not [query for query in queries if "FOR NO KEY UPDATE" in query["sql"]]


def test_stranger_locks_nothing_by_an_id_in_a_body(charlie, asset):
    with CaptureQueriesContext(connection) as queries:
        for path, body in (
            (
                "assets",
                {"name": "x", "asset_type_id": str(TypeId.STOCKS), "portfolio_id": str(asset.portfolio_id)},
            ),
            (f"assets/{asset.pk}/snapshots", {"value": "1"}),
            ("tags", {"name": "x", "household_id": str(asset.portfolio.household_id)}),
        ):
            assert charlie.post(f"/api/v1/{path}", body).status_code == 404
    assert not [query for query in queries if "FOR NO KEY UPDATE" in query["sql"]]
