"""The lock for writes of an asset and its values and transactions."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from assets.services.locks import locked_asset
from portfolios.models import Portfolio
from strata.exceptions import NotFound
from strata.fields.ids import uuid7


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
        assert locked_asset(asset.pk, other.pk) == asset
    lock, read = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert ("FOR NO KEY UPDATE" in lock) == connection.features.has_select_for_update
    assert (" JOIN " in lock, " JOIN " in read) == (False, True)


def test_an_asset_or_a_portfolio_that_is_gone_is_named(asset):
    for asset_id, to, resource in ((uuid7(), None, "asset"), (asset.pk, uuid7(), "portfolio")):
        with transaction.atomic(), pytest.raises(NotFound) as refused:
            locked_asset(asset_id, to)
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
