"""What the sources share whose values follow from the prices of an instrument."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import cast
from uuid import UUID

from assets import prices
from assets.models import Asset
from assets.valuation.formulas.market import Points
from assets.valuation.protocol import AssetDay, AssetValues, EditTarget, KnownFlow, MissingPrice, ValueDays
from assets.valuation.sources.snapshots import recorded_rows_or_assets


class PricedSource(ABC):
    """A source that gives the points of assets: a subclass says which."""

    name: str

    @abstractmethod
    def points(self, asset_ids: Sequence[UUID], start: date, end: date) -> Mapping[UUID, Points]:
        """The points of each asset up to `end`; right from the newest one on or before `start` on."""

    def values(self, asset_ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
        for pk, (days, amounts) in self.points(asset_ids, start, end).items():
            first, last = max(bisect_right(days, start) - 1, 0), bisect_right(days, end)
            if first < last:
                yield AssetValues(pk, days[first:last], compact(amounts[first:last]))

    def value_days(self, asset_ids: Collection[UUID]) -> Mapping[UUID, ValueDays]:
        points = self.points([*asset_ids], date.min, date.max)
        return {pk: ValueDays(days[0], days[-1]) for pk, (days, _) in points.items() if days}

    def edit_targets(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, EditTarget]:
        return recorded_rows_or_assets(asset_days)

    def known_flows(
        self, asset_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, Sequence[KnownFlow]]:
        return {}

    def missing_prices(self, asset_days: Collection[AssetDay]) -> Mapping[AssetDay, MissingPrice]:
        """The instrument, and its last price up to the day."""
        if not asset_days:
            return {}
        days = [on for _, on in asset_days]
        rows = Asset.objects.filter(pk__among=list({pk for pk, _ in asset_days})).order_by()
        instruments = dict(rows.values_list("pk", "instrument_id"))
        read = prices.read({pk for pk in instruments.values() if pk is not None}, min(days), max(days))
        missing: dict[AssetDay, MissingPrice] = {}
        for pk, on in asset_days:
            instrument_id = instruments.get(pk)
            series = read.get(instrument_id) if instrument_id is not None else None
            last = series.last(on) if series is not None else None
            missing[pk, on] = MissingPrice(instrument_id, last and last.on)
        return missing


def compact(amounts: Sequence[int | None]) -> Sequence[int | None]:
    """In an array, a fifth of the memory of a list, where there is no gap."""
    return amounts if None in amounts else array("q", cast("Sequence[int]", amounts))
