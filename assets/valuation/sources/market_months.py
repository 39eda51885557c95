"""The values of assets around a write of prices, of the months in which these prices count.

A price decides values from its day on until the next one, or until it is too old. What comes before is not read: the
last point before these months is the same before and after the write, and so are those after them.

This is for assets whose quantities are stored, without recorded values and without an action of their instrument. A
recorded value of a day on which nothing is held hides the price of that day, and a split changes earlier prices: more
than the last price would be needed. All values of the others are compared.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from assets import prices
from assets.models import Asset, AssetSnapshot, InstrumentAction
from assets.prices.hooks import ChangedDays
from assets.valuation import quantities, sql
from assets.valuation.codecs.months import last_of_month
from assets.valuation.deltas import facts_of
from assets.valuation.formulas.market import Held, Points, points_after
from assets.valuation.sources.computed import LAST_DAY
from assets.valuation.sources.market_change import NO_POINTS, Valued, apply_change
from assets.valuation.sources.market_inputs import before, prices_of
from assets.valuation.totals.contributions import AssetFacts


@dataclass(frozen=True, slots=True)
class NearPrices:
    """The assets, what they hold, and their points before the write: from the last one up to `start` to `end`."""

    start: date = date.min
    end: date = date.max
    instruments: Mapping[UUID, UUID] = field(default_factory=dict)  # by asset
    max_ages: Mapping[UUID, int] = field(default_factory=dict)  # by instrument
    held: Mapping[UUID, Held] = field(default_factory=dict)
    facts: Mapping[UUID, AssetFacts] = field(default_factory=dict)
    points: Mapping[UUID, Points] = field(default_factory=dict)

    @classmethod
    def of(cls, instruments: Mapping[UUID, UUID], days: ChangedDays) -> NearPrices:
        """Of those of these assets that may be looked at so; `instruments` are what each of them holds."""
        candidates = without_anchors_and_actions(instruments)
        if not candidates:
            return cls()
        changed = set(candidates.values())
        max_ages = {pk: terms.max_age_days for pk, terms in prices.terms_of(changed).items()}
        start = before(min(min(days[pk]) for pk in changed).replace(day=1))
        end = last_of_month(max(too_old_on(max(days[pk]), max_ages[pk]) for pk in changed).replace(day=1))
        held = quantities.read(candidates, start)
        stored = sql.values_in_months(sorted(held), start, end)
        return cls(
            start,
            end,
            {pk: candidates[pk] for pk in held},
            max_ages,
            held,
            facts_of(Asset.objects.filter(pk__among=sorted(held))),
            {pk: Points([*on], [*amounts]) for pk, on, amounts in stored},
        )

    @property
    def asset_ids(self) -> Collection[UUID]:
        return self.held.keys()

    def update(self) -> None:
        """After the write."""
        if not self.held:
            return
        after = self.points_now()
        next_points = self.points_beyond(
            {pk for pk in after if ends_in_a_gap(after[pk], self.points.get(pk))}
        )
        assets_before, assets_after = (
            {
                pk: Valued(of_asset, added(points.get(pk, NO_POINTS), next_points.get(pk)))
                for pk, of_asset in self.facts.items()
            }
            for points in (self.points, after)
        )
        apply_change(assets_before, assets_after)

    def points_now(self) -> dict[UUID, Points]:
        """The points of the same days as they are now."""
        read = prices.read(set(self.instruments.values()), self.start, self.end, splits={})
        return {
            pk: added(self.point_before(pk), self.points_in(pk, read.get(instrument_id)))
            for pk, instrument_id in self.instruments.items()
        }

    def points_in(self, asset_id: UUID, series: prices.PriceSeries | None) -> Points:
        max_age = self.max_ages[self.instruments[asset_id]]
        later = points_after(self.start, self.held[asset_id], prices_of(series, max_age))
        last = bisect_right(later.days, self.end)
        return Points(later.days[:last], later.amounts[:last])

    def point_before(self, asset_id: UUID) -> Points:
        """The last one before these months, which the write does not change."""
        days, amounts = self.points.get(asset_id, NO_POINTS)
        is_there = bool(days) and days[0] <= self.start
        return Points(days[:1], amounts[:1]) if is_there else NO_POINTS

    def points_beyond(self, asset_ids: Collection[UUID]) -> dict[UUID, Points]:
        """The first point after these months of each of the assets that has one: where its last gap ends."""
        by_asset = {}
        for pk, days, amounts in sql.values_in_months(sorted(asset_ids), self.end, LAST_DAY):
            place = bisect_right(days, self.end)
            if place < len(days):
                by_asset[pk] = Points([days[place]], [amounts[place]])
        return by_asset


def without_anchors_and_actions(instruments: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    if not instruments:
        return {}
    recorded = AssetSnapshot.objects.filter(asset__pk__among=list(instruments)).order_by()
    anchored = set(recorded.values_list("asset_id", flat=True).distinct())
    actions = InstrumentAction.objects.filter(instrument__pk__among=list({*instruments.values()})).order_by()
    acted_on = set(actions.values_list("instrument_id", flat=True).distinct())
    return {pk: held for pk, held in instruments.items() if pk not in anchored and held not in acted_on}


def too_old_on(on: date, max_age: int) -> date:
    return on + timedelta(min(max_age + 1, (date.max - on).days))


def added(points: Points, later: Points | None) -> Points:
    if later is None:
        return points
    return Points([*points.days, *later.days], [*points.amounts, *later.amounts])


def ends_in_a_gap(*each: Points | None) -> bool:
    return any(points is not None and points.amounts and points.amounts[-1] is None for points in each)
