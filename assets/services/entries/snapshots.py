"""Writes snapshots: what an asset was worth at an instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, AssetSnapshot
from assets.services.entries.moments import changed_moment
from strata.audit.clock import written_at
from strata.exceptions import Conflict, NotFound
from strata.fields.dates import resolve_instant_and_day
from strata.tenancy.guards import note_parents_guards
from strata.tenancy.writes import (
    NOWHERE,
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
    _("The asset has a value at this instant: change that one."),
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
    snapshot_id: UUID,
    changes: Mapping[str, Any],
    *,
    precondition: Precondition = always,
    within: Mapping[str, Any] = NOWHERE,
) -> AssetSnapshot:
    """Correct a value, its moment or its note. Refuses what `add_snapshot` refuses."""
    snapshot = locked_row(snapshots_with_assets(), snapshot_id, "snapshot", within=within)
    precondition(snapshot)
    changes = changed_moment(snapshot, "observed_at", changes)
    key = {name: changes.get(name, getattr(snapshot, name)) for name in ("on", "observed_at")}
    with conflict_if_duplicate(AssetSnapshot, DUPLICATE, key=key):
        save_changes(snapshot, changes)
    return snapshot


def delete_snapshot(
    snapshot_id: UUID, *, precondition: Precondition = always, within: Mapping[str, Any] = NOWHERE
) -> None:
    delete_row(snapshots_with_assets(), snapshot_id, "snapshot", precondition, within=within)


def snapshots_with_assets() -> QuerySet[AssetSnapshot]:
    return AssetSnapshot.objects.select_related("asset__portfolio")


SNAPSHOTS = Service(create=add_snapshot, update=update_snapshot, delete=delete_snapshot)


def validate_value(value: Decimal) -> Decimal:
    """The value as it would be stored. Raises ValidationError for more digits than a value may have."""
    stored: Decimal = AssetSnapshot._meta.get_field("value").clean(value, None)
    return stored


# --- the value of a day ---

type DayPrecondition = Callable[[Asset, AssetSnapshot | None], None]


def any_state(asset: Asset, snapshot: AssetSnapshot | None) -> None:
    """The default precondition: always met."""


@atomic_write
def put_value(
    asset_id: UUID,
    on: date,
    *,
    value: Decimal,
    note: str | None = None,
    precondition: DayPrecondition = any_state,
) -> tuple[AssetSnapshot, bool]:
    """Replace the last value of the day, or record one at noon. Returns it, and whether it is new.

    A note of None stays as it is. `precondition` gets the locked asset, and the last value of the day or None.
    """
    asset, snapshot = locked_value(asset_id, on, precondition)
    if snapshot is None:
        return new_snapshot(asset, value=value, observed_at=None, on=on, note=note or ""), True
    save_changes(snapshot, {"value": value, "note": snapshot.note if note is None else note})
    return snapshot, False


@atomic_write
def delete_value(asset_id: UUID, on: date, *, precondition: DayPrecondition = any_state) -> None:
    """Delete the last value of the day. 404 where it has none."""
    _, snapshot = locked_value(asset_id, on, precondition)
    if snapshot is None:
        raise NotFound("snapshot")
    snapshot.delete()


def locked_value(
    asset_id: UUID, on: date, precondition: DayPrecondition
) -> tuple[Asset, AssetSnapshot | None]:
    """The asset, locked, and the last value of the day."""
    asset = locked_parent(AssetSnapshot, Asset.objects.select_related("portfolio"), asset_id, "asset")
    snapshot = asset.snapshots.filter(on=on).order_by("-observed_at").first()
    if snapshot is not None:
        snapshot.asset = asset
        note_parents_guards(snapshot, asset)
    precondition(asset, snapshot)
    return asset, snapshot


# --- what pages show of a day, and compare before they write it ---


def values_counting_on(on: date, **assets: Any) -> dict[UUID, AssetSnapshot]:
    """Of each of the assets the value that counts on exactly this day: the last one. Assets without are left out.

    `assets` are lookups, as asset__portfolio. The users who wrote the values are read with them.
    """
    values = (
        AssetSnapshot.objects.filter(on=on, **assets).order_by("observed_at").select_related("updated_by")
    )
    return {value.asset_id: value for value in values}


def state_of(value: AssetSnapshot | None) -> str:
    """A text that is another one after each change of the value; empty where there is none."""
    return f"{value.pk}.{value.updated_at.timestamp()}" if value else ""


def is_in_state(state: str, value: AssetSnapshot | None) -> bool:
    return state == state_of(value)
