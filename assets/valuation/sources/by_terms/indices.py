"""An index as a value source: what a house was worth, times how house prices have changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from uuid import UUID

from assets.models.asset import Valuation
from assets.valuation.formulas.index import index_points
from assets.valuation.formulas.market import Points
from assets.valuation.protocol import AssetDay, Origin, ValueSource
from assets.valuation.sources.anchors import Anchors, anchors_of
from assets.valuation.sources.market_inputs import PricesAndSplits, holders_of, with_prices
from assets.valuation.sources.priced import PricedSource
from assets.valuation.sources.snapshots import RECORDED


class Indices(PricedSource):
    """Without a recorded value there is none. Nothing is stored: there are few such assets, with an index a month."""

    name = Valuation.INDEX.value
    is_stored = False
    first_days_sql = None

    def points(self, asset_ids: Sequence[UUID], start: date, end: date) -> Mapping[UUID, Points]:
        anchors = anchors_of(asset_ids)
        read = indices_of([pk for pk in asset_ids if pk in anchors], anchors, end)
        return {pk: index_points(index.prices, anchors[pk]) for pk, index in read.items()}

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        """With the value of the index, which is in no currency."""
        if not days:
            return {}
        anchors = anchors_of(asset_ids)
        read = indices_of([pk for pk in asset_ids if pk in anchors], anchors, days[-1])
        return {
            (pk, on): origin_on(index, anchors[pk], on)
            for pk, index in read.items()
            for on in days
            if on >= anchors[pk][0][0]
        }


SOURCE: ValueSource = Indices()


def indices_of(
    asset_ids: Sequence[UUID], anchors: Mapping[UUID, Anchors], end: date
) -> dict[UUID, PricesAndSplits]:
    """The index of each asset from its first recorded value up to the day."""
    if not asset_ids:
        return {}
    start = min(min(anchors[pk][0][0] for pk in asset_ids), end)
    return {holder.asset_id: read for holder, read in with_prices(holders_of(asset_ids), start, end)}


def origin_on(index: PricesAndSplits, anchors: Anchors, on: date) -> Origin:
    if any(day == on for day, _ in anchors):
        return RECORDED
    number = max((place for place, day in enumerate(index.prices.days) if day <= on), default=None)
    if number is None:
        return Origin("index")
    price = Fraction(index.prices.amounts[number], index.prices.denominator)
    return Origin("index", price=price, price_on=index.prices.days[number])
