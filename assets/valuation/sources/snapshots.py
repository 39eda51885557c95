"""The snapshots as a value source.

This, snapshot_upkeep, snapshots_sql and anchors are the only files of valuation that know the model and its table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import OuterRef, Subquery

from assets.models import Asset, AssetSnapshot
from assets.valuation import registry
from assets.valuation.protocol import (
    AssetDay,
    AssetValues,
    EditTarget,
    KnownFlow,
    MissingPrice,
    Month,
    Origin,
    StoredSource,
    ValueDays,
    Window,
)
from assets.valuation.sources import snapshots_sql


class Snapshots:
    """Values that were recorded, of the assets that are valued by hand; of a day the last instant counts."""

    model = AssetSnapshot
    name = registry.MANUAL
    is_stored = True
    first_days_sql = snapshots_sql.FIRST_DAY
    points_sql = snapshots_sql.POINTS

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        return snapshots_sql.values_between(asset_ids, start, end)

    def rebuilt(self, asset_ids: Sequence[UUID]) -> Iterator[AssetValues]:
        return self.values(asset_ids, date.min, date.max)

    def outdated(self, asset_ids: Sequence[UUID]) -> set[UUID]:
        return set()

    def values_of_months(self, months: Sequence[Month]) -> Iterator[tuple[UUID, date, int | None]]:
        return snapshots_sql.values_of_months(months)

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        """One lookup in the index at each end."""
        days = AssetSnapshot.objects.filter(asset=OuterRef("pk")).values("on")
        assets = Asset.objects.filter(pk__among=asset_ids).order_by()
        first, last = Subquery(days.order_by("on")[:1]), Subquery(days.order_by("-on")[:1])
        rows = assets.annotate(first=first, last=last).values_list("pk", "first", "last")
        return {pk: ValueDays(first, last) for pk, first, last in rows if first is not None}

    def windows(self, asset_ids: Collection[UUID], days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
        near = snapshots_sql.values_near(asset_ids, min(days), max(days)) if days else ()
        for pk, rows in groupby(near, key=itemgetter(0)):
            amounts = {on: amount for _, on, amount in rows}
            yield pk, Window(amounts, frozenset(amounts.keys() & set(days)))

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        """The last snapshot of each day."""
        rows = AssetSnapshot.objects.filter(
            asset__in={pk for pk, _ in asset_days}, on__in={on for _, on in asset_days}
        ).order_by("on", "observed_at")
        last = {(asset, on): pk for asset, on, pk in rows.values_list("asset_id", "on", "pk")}
        label = self.model._meta.label
        return {key: EditTarget(label, last[key]) for key in asset_days if key in last}

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        return {}

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        return {(pk, on): RECORDED for pk in asset_ids for on in days}

    def missing_prices(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, MissingPrice]:
        return {}


RECORDED = Origin("snapshot")
SOURCE = Snapshots()
AS_PROTOCOL: StoredSource = SOURCE  # mypy says what is missing


def recorded_rows_or_assets(asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
    """The recorded value of the day; of any other day the asset, whose terms or instrument decide its value."""
    recorded = SOURCE.edit_targets(asset_days)
    return {key: recorded.get(key) or EditTarget(Asset._meta.label, key[0]) for key in asset_days}
