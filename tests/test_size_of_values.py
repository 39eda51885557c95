"""How much room a value takes in PostgreSQL, with its journal and all that is derived from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from strata.audit import actor
from tests.factories import create_asset

pytestmark = pytest.mark.on_postgresql
TYPES = (TypeId.CHECKING_ACCOUNT, TypeId.STOCKS, TypeId.REAL_ESTATE)


def assets_of(portfolio, number) -> list[Asset]:
    return [create_asset(portfolio, f"a{index}", TYPES[index % len(TYPES)]) for index in range(number)]


def database_size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return cursor.fetchone()[0]


def record(user, request_id, assets, days) -> int:
    """Record a value of each asset on each of the days, in one transaction."""
    rows = [
        AssetSnapshot(
            asset=asset,
            value=Decimal(10_000_000 + 7919 * number % 1_000_003) / 100,
            on=day,
            observed_at=datetime(
                day.year, day.month, day.day, 12, number // 60 % 60, number % 60, tzinfo=UTC
            ),
        )
        for number, asset in enumerate(assets)
        for day in days
    ]
    with actor.acting(user=user, request_id=request_id, channel="api"), transaction.atomic():
        return len(AssetSnapshot.objects.bulk_create(rows))


def require_history(client, request_id):
    row = AssetSnapshot.objects.order_by("pk")[777]
    (event,) = client.get(f"/api/v1/assets/{row.asset_id}/snapshots/{row.pk}/history").json()["results"]
    assert (event["actor"], event["request_id"], event["action"]) == ("alice", request_id, "create")
    assert datetime.fromisoformat(event["at"]) == row.created_at


def test_daily_value_that_is_loaded_in_bulk_takes_at_most_300_bytes(alice, alice_user, portfolio):
    assets, before = assets_of(portfolio, 20), database_size()
    count = record(alice_user, "bulk", assets, [date(2020, 1, 1) + timedelta(day) for day in range(500)])
    assert (database_size() - before) / count <= 300
    require_history(alice, "bulk")


def test_value_of_a_month_that_comes_with_the_others_takes_at_most_500_bytes(alice, alice_user, portfolio):
    assets, before = assets_of(portfolio, 100), database_size()
    months = [date(2005 + index // 12, index % 12 + 1, 28) for index in range(60)]
    count = sum(record(alice_user, str(month), assets, [month]) for month in months)
    assert (database_size() - before) / count <= 500
    require_history(alice, "2005-08-28")
