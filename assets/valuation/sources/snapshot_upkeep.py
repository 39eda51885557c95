"""What follows a write of snapshots: the derived data of assets that are valued by hand, and the values of those at
market prices, of which recorded values are anchors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from assets.models import AssetSnapshot
from assets.valuation import upkeep
from assets.valuation.formulas.market import Points
from assets.valuation.protocol import Window
from assets.valuation.registry import MANUAL
from assets.valuation.series import ten_thousandths
from assets.valuation.sources import market_upkeep, snapshots_sql
from assets.valuation.sources.market_change import stored_before
from assets.valuation.sources.market_inputs import MARKET, all_inputs
from assets.valuation.totals.contributions import AssetFacts, Contribution, Neighbours
from strata.audit.tracking import DerivedData


class ContributionAndMarket(NamedTuple):
    manual: Contribution
    market: market_upkeep.ValuesBefore


class OfSnapshots(DerivedData):
    """Of rows that are there, the values around them are read before the write and after it. What new rows add follows
    from themselves and the values next to them, which are read after it.
    """

    derived_from = frozenset({"asset", "value", "on", "observed_at"})

    def capture(self, ids: list[UUID]) -> ContributionAndMarket:
        around = dict(values_around(ids))
        return ContributionAndMarket(contribution(around), stored_before(anchored(around)))

    def update(self, ids: list[UUID], before: Any) -> None:
        around = dict(values_around(ids))
        manual, market = before or (Contribution.empty(), {})
        upkeep.apply(manual, contribution(around))
        own = {each.facts.portfolio_id for each in (*around.values(), *market.values())}
        market_upkeep.update(
            market, anchored(around), lambda asset_ids: without_anchors(asset_ids, around), raised=own
        )

    def update_new(self, rows: Sequence[AssetSnapshot]) -> None:
        added, others = new_values(rows)
        if added.sums or added.encoded:
            upkeep.apply(Contribution.empty(), added)
        if others:
            self.update([row.pk for row in rows if row.asset_id in others], None)


# --- new rows ---


def new_values(rows: Sequence[AssetSnapshot]) -> tuple[Contribution, set[UUID]]:
    """What the written rows add to the derived data, as far as they are the only values of their assets from the first
    to the last of them; and the assets with others there, or with another source of values.
    """
    added, others = Contribution.empty(), set[UUID]()
    counts: dict[UUID, int] = {}
    own: dict[UUID, dict[date, int]] = {}  # of each day the last value
    for row in sorted(rows, key=attrgetter("on", "observed_at")):
        counts[row.asset_id] = counts.get(row.asset_id, 0) + 1
        own.setdefault(row.asset_id, {})[row.on] = ten_thousandths(row.value)
    spans = [(pk, min(values), max(values)) for pk, values in own.items()]
    for pk, facts, stored, before, after in snapshots_sql.beside_new(spans):
        of_asset = AssetFacts(*facts)
        if of_asset.source == MANUAL and stored == counts[pk]:
            added.add_new(pk, of_asset, own[pk], Neighbours(before, after))
        else:
            others.add(pk)
    return added, others


# --- rows that are there ---


class ValuesAround(NamedTuple):
    """An asset's values on the days of the given snapshots, and on the days with values just before and after these.

    `with_them` has the last value of each day, `without` the last value of each day if the given snapshots did not
    exist. Both have the days of the given snapshots as `touched`.
    """

    facts: AssetFacts
    with_them: Window
    without: Window


def values_around(snapshot_ids: Collection[UUID]) -> Iterator[tuple[UUID, ValuesAround]]:
    """(asset id, values around the given snapshots) for each asset that has any of them."""
    for pk, rows in groupby(snapshots_sql.values_around(snapshot_ids), key=itemgetter(0)):
        around = list(rows)
        touched = frozenset(on for *_, on, _, is_given in around if is_given)
        yield (
            pk,
            ValuesAround(
                AssetFacts(*around[0][1:8]),
                Window({on: value for *_, on, value, _ in around}, touched),
                Window({on: value for *_, on, value, is_given in around if not is_given}, touched),
            ),
        )


def contribution(values: Mapping[UUID, ValuesAround]) -> Contribution:
    """What snapshots contribute to derived data: the values with them less the values without them. Of those of the
    assets that are valued by hand.

    A write knows its rows, and only afterwards their days. So it reads this once before it and once after it, instead
    of the windows of days that upkeep.capture takes.
    """
    total = Contribution.empty()
    for pk, around in values.items():
        if around.facts.source == MANUAL:
            total.valuations[pk] = MANUAL
            total.add(pk, around.facts, around.with_them)
            total.add(pk, around.facts, around.without, sign=-1)
    return total


# --- assets at market prices ---


def anchored(around: Mapping[UUID, ValuesAround]) -> set[UUID]:
    return {pk for pk, each in around.items() if each.facts.valuation == MARKET}


def without_anchors(asset_ids: Collection[UUID], around: Mapping[UUID, ValuesAround]) -> dict[UUID, Points]:
    """The points without the given recorded values: of a day that has others the last of those counts."""
    points = {}
    for pk, inputs in all_inputs(asset_ids).items():
        anchors = dict(inputs.anchors)
        for on in around[pk].with_them.touched:
            other = around[pk].without.amounts.get(on)
            if other is None:
                anchors.pop(on, None)
            else:
                anchors[on] = other
        points[pk] = inputs.with_anchors(anchors).points()
    return points


MODELS: Iterable[tuple[type[AssetSnapshot], DerivedData]] = ((AssetSnapshot, OfSnapshots()),)
