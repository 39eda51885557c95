"""What follows a write of snapshots: the derived data of assets that are valued by hand, and the values of those at
market prices, of which recorded values are anchors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from strata.audit.locating import RowIds, ids_of, located
from strata.audit.tracking import DerivedData

MANY = 200  # snapshots: from here on it is asked first whether they are the only ones of their assets there


class Before(NamedTuple):
    """What snapshots contributed before a write of them."""

    manual: Contribution
    market: market_upkeep.ValuesBefore
    portfolio_ids: set[UUID]


class OfSnapshots(DerivedData):
    """Of rows that are there, the values around them are read before the write and after it; of many that are the only
    ones of their asset from the first to the last of them, they themselves and the values beside them. What new rows
    add follows from themselves and the values beside them, which are read after it.
    """

    derived_from = frozenset({"asset", "value", "on", "observed_at"})

    def capture(self, ids: RowIds) -> Before:
        manual, around, portfolio_ids = look_at(ids)
        return Before(manual, stored_before(anchored(around)), portfolio_ids)

    def update(self, ids: RowIds, before: Any) -> None:
        manual, around, portfolio_ids = look_at(ids)
        earlier = before or Before(Contribution.empty(), {}, set())
        upkeep.apply(earlier.manual, manual)
        own = portfolio_ids | earlier.portfolio_ids
        own |= {each.facts.portfolio_id for each in earlier.market.values()}
        market_upkeep.update(
            earlier.market,
            anchored(around),
            lambda asset_ids: without_anchors(asset_ids, around),
            raised=own,
        )

    def update_new(self, rows: Sequence[AssetSnapshot]) -> None:
        added, others = new_values(rows)
        if added.sums or added.encoded:
            upkeep.apply(Contribution.empty(), added)
        if others:
            self.update(ids_of(row for row in rows if row.asset_id in others), None)


# --- rows that are the only ones of their asset, from the first to the last of them ---


@dataclass(slots=True)
class OwnValues:
    """Of one asset: of each day the last value, the oldest first, and how many there are."""

    by_day: dict[date, int] = field(default_factory=dict)
    count: int = 0


def by_asset(values: Iterable[tuple[UUID, date, int]]) -> dict[UUID, OwnValues]:
    """`values` of an asset are in the order of their instants."""
    own: dict[UUID, OwnValues] = defaultdict(OwnValues)
    for pk, on, value in values:
        of_asset = own[pk]
        of_asset.by_day[on] = value
        of_asset.count += 1
    return own


def beside(own: Mapping[UUID, OwnValues]) -> Iterator[tuple[UUID, AssetFacts, Neighbours | None]]:
    """What is beside these values of each asset: None where the asset has others between them, or another source."""
    spans = [(pk, min(values.by_day), max(values.by_day)) for pk, values in own.items()]
    for pk, columns, stored, before, after in snapshots_sql.beside_new(spans):
        facts = AssetFacts(*columns)
        is_alone = facts.source == MANUAL and stored == own[pk].count
        yield pk, facts, Neighbours(before, after) if is_alone else None


def new_values(rows: Sequence[AssetSnapshot]) -> tuple[Contribution, set[UUID]]:
    """What the written rows add to the derived data, where they are alone; and the assets where they are not."""
    added, others = Contribution.empty(), set[UUID]()
    in_order = sorted(rows, key=attrgetter("on", "observed_at"))
    own = by_asset((row.asset_id, row.on, ten_thousandths(row.value)) for row in in_order)
    for pk, facts, near in beside(own):
        if near is None:
            others.add(pk)
        else:
            added.add_new(pk, facts, own[pk].by_day, near)
    return added, others


# --- rows that are there ---


class Given(NamedTuple):
    """What given snapshots contribute, the values around those that are not alone, and the portfolios of all."""

    manual: Contribution
    around: dict[UUID, ValuesAround]
    portfolio_ids: set[UUID]


def look_at(ids: RowIds) -> Given:
    total, portfolio_ids = Contribution.empty(), set[UUID]()
    if len(ids) >= MANY:
        ids = add_where_alone(ids, total, portfolio_ids)
    around = dict(values_around(ids)) if ids else {}
    portfolio_ids |= {each.facts.portfolio_id for each in around.values()}
    return Given(contribution(around, total), around, portfolio_ids)


def add_where_alone(ids: RowIds, total: Contribution, portfolio_ids: set[UUID]) -> RowIds:
    """Adds what those of the snapshots contribute that are alone, and their portfolios. Returns the others."""
    own = by_asset(snapshots_sql.given_values(ids))
    others: list[UUID] = []
    for pk, facts, near in beside(own):
        if near is None:
            others.append(pk)
            continue
        total.valuations[pk] = MANUAL
        total.add_alone(pk, facts, own[pk].by_day, near)
        portfolio_ids.add(facts.portfolio_id)
    if len(others) == len(own):
        return ids if others else RowIds()
    rows = located(AssetSnapshot._base_manager.order_by(), ids, others)
    return RowIds(rows.values_list("pk", flat=True), others) if others else RowIds()


class ValuesAround(NamedTuple):
    """An asset's values on the days of the given snapshots, and on the days with values just before and after these.

    `with_them` has the last value of each day, `without` the last value of each day if the given snapshots did not
    exist. Both have the days of the given snapshots as `touched`.
    """

    facts: AssetFacts
    with_them: Window
    without: Window


def values_around(snapshot_ids: RowIds) -> Iterator[tuple[UUID, ValuesAround]]:
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


def contribution(values: Mapping[UUID, ValuesAround], total: Contribution) -> Contribution:
    """The total, with what snapshots contribute to derived data added to it: the values with them less the values
    without them. Of those of the assets that are valued by hand.

    A write knows its rows, and only afterwards their days. So it reads this once before it and once after it, instead
    of the windows of days that upkeep.capture takes.
    """
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
