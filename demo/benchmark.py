"""Invented households with many assets and values, for measurements: millions of rows, inserted in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import F

from assets.models import Asset, AssetSnapshot, AssetType, MonthlyDeltas, MonthlyValues
from assets.valuation.upkeep import rebuild
from portfolios.models import Portfolio
from portfolios.services.households import create_household
from strata.audit import actor
from strata.audit.models import JournalEntry
from strata.audit.recording import write_creations
from strata.db.bulk import insert_rows, quoted, stored_instant
from strata.fields.ids import uuid7

CURRENCIES = ("EUR", "EUR", "EUR", "USD", "EUR", "EUR", "CHF", "EUR", "EUR", "GBP")
SNAPSHOT_FIELDS = ("id", "created_at", "updated_at", "asset", "value", "observed_at", "on", "note")


@dataclass(frozen=True, slots=True)
class Size:
    """The size of each household: `assets`, each with `snapshots` spread evenly over the `span_days` that end now."""

    assets: int
    snapshots: int
    span_days: int


def make_benchmark_household(
    name: str, size: Size, *, now: datetime, journal: bool, advance: Callable[[int], None]
) -> Portfolio:
    """Create a household with one portfolio in UTC, in one transaction. Its owner has no password and cannot log in."""
    with transaction.atomic():
        user = get_user_model()(username=name)
        user.set_unusable_password()
        user.save()
        channel = actor.current().channel
        with actor.acting(user=user, channel=channel):
            household = create_household(user, name=name)
            portfolio = Portfolio.objects.create(
                household=household, name=name, base_currency="EUR", time_zone="UTC"
            )
            assets = make_assets(portfolio, size.assets)
            insert_rows(AssetSnapshot, SNAPSHOT_FIELDS, snapshot_rows(assets, size, now, advance))
            rebuild(portfolio.pk)
            if journal:
                write_creations(AssetSnapshot.objects.filter(asset__portfolio=portfolio), at=now)
            Portfolio.objects.filter(pk=portfolio.pk).update_unrecorded(revision=F("revision") + 1)
    return portfolio


def make_assets(portfolio: Portfolio, count: int) -> list[Asset]:
    asset_types = list(AssetType.objects.filter(household=None).exclude(group="LIABILITIES"))
    return Asset.objects.bulk_create(
        [
            Asset(
                portfolio=portfolio,
                asset_type=asset_types[number % len(asset_types)],
                name=f"Asset {number:06d}",
                currency=CURRENCIES[number % len(CURRENCIES)],
            )
            for number in range(count)
        ],
        batch_size=1000,
    )


def snapshot_rows(
    assets: list[Asset], size: Size, now: datetime, advance: Callable[[int], None]
) -> Iterator[tuple[Any, ...]]:
    """Rows ordered by asset and time, so that every index grows at its end."""
    step = timedelta(days=size.span_days) / size.snapshots
    instants = [now - step * back for back in reversed(range(size.snapshots))]
    moments = [(stored_instant(instant), instant.date().isoformat()) for instant in instants]
    written = stored_instant(now)
    for number, asset in enumerate(assets):
        key, value = asset.pk.hex, (number * 7919 % 100_000 + 100) * 10_000
        for index, (instant, day) in enumerate(moments):
            value += (number * 31 + index * 17) % 2001 * 100 - 100_000
            yield uuid7().hex, written, written, key, value, instant, day, ""
        advance(len(moments))


def analyze() -> None:
    """Update the statistics of the database's planner."""
    with connection.cursor() as cursor:
        for model in (Asset, AssetSnapshot, MonthlyDeltas, MonthlyValues, JournalEntry):
            cursor.execute(f"ANALYZE {quoted(model._meta.db_table)}")
