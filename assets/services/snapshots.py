"""Writes snapshots: what an asset was worth at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from assets.models import Asset, AssetSnapshot
from assets.services.moments import changed_moment
from strata.audit.clock import written_at
from strata.exceptions import Conflict
from strata.fields.dates import resolve_instant_and_day
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

DUPLICATE = Conflict(
    "DUPLICATE_SNAPSHOT",
    "The asset has a value at this instant: change that one.",
    "observed_at",
)


@atomic_write
def add_snapshot(
    asset_id: UUID,
    *,
    value: Decimal,
    observed_at: datetime | None = None,
    on: date | None = None,
    note: str = "",
    precondition: Precondition = always,
) -> AssetSnapshot:
    """Record the value of the whole asset, in its currency; negative for what is owed. Without a moment it is now.

    400 for an instant and a day that contradict each other; 409 DUPLICATE_SNAPSHOT for an instant that has a value.
    """
    assets = Asset.objects.select_related("portfolio")
    asset = locked_parent(AssetSnapshot, assets, asset_id, "asset")
    precondition(asset)
    return new_snapshot(asset, value=value, observed_at=observed_at, on=on, note=note)


def new_snapshot(
    asset: Asset, *, value: Decimal, observed_at: datetime | None, on: date | None, note: str = ""
) -> AssetSnapshot:
    """As `add_snapshot`, for an asset that the caller has locked and read."""
    at, day = resolve_instant_and_day(observed_at, on, asset.portfolio.time_zone, written_at())
    if observed_at is None and on is None:
        at = next_free_instant(asset, at)
    with conflict_if_duplicate(AssetSnapshot, DUPLICATE, key={"on": day, "observed_at": at}):
        return AssetSnapshot.objects.create(asset=asset, value=value, observed_at=at, on=day, note=note)


def next_free_instant(asset: Asset, at: datetime) -> datetime:
    """`at`, or the first microsecond after it that no snapshot of the asset has."""
    taken = set(
        asset.snapshots.filter(observed_at__gte=at, observed_at__lt=at + timedelta(seconds=1)).values_list(
            "observed_at", flat=True
        )
    )
    while at in taken:
        at += timedelta(microseconds=1)
    return at


@atomic_write
def update_snapshot(
    snapshot_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> AssetSnapshot:
    """Correct a value, its moment or its note. Refuses what `add_snapshot` refuses."""
    snapshot = locked_row(snapshots_with_assets(), snapshot_id, "snapshot")
    precondition(snapshot)
    changes = changed_moment(snapshot, "observed_at", changes)
    key = {name: changes.get(name, getattr(snapshot, name)) for name in ("on", "observed_at")}
    with conflict_if_duplicate(AssetSnapshot, DUPLICATE, key=key):
        save_changes(snapshot, changes)
    return snapshot


def delete_snapshot(snapshot_id: UUID, *, precondition: Precondition = always) -> None:
    delete_row(snapshots_with_assets(), snapshot_id, "snapshot", precondition)


def snapshots_with_assets() -> QuerySet[AssetSnapshot]:
    return AssetSnapshot.objects.select_related("asset__portfolio")


SNAPSHOTS = Service(create=add_snapshot, update=update_snapshot, delete=delete_snapshot)
