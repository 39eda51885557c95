"""What recorded values that are not written yet will change in the derived data, calculated before they are written.

Of assets that are valued by hand. All values of each asset are read, one asset after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from assets.models import Asset
from assets.valuation import upkeep
from assets.valuation.codecs.months import NOTHING, encode_months
from assets.valuation.deltas import facts_of
from assets.valuation.registry import MANUAL
from assets.valuation.sources import snapshots_sql
from assets.valuation.totals.contributions import (
    AssetFacts,
    Contribution,
    add_values,
    drop_zeros,
    touched_months,
)


@dataclass(slots=True)
class PlannedValues:
    """Of one asset, in ten-thousandths: new values of days that have none, and stored ones that change or go."""

    new: dict[date, int] = field(default_factory=dict)
    replaced: dict[UUID, int] = field(default_factory=dict)
    removed: set[UUID] = field(default_factory=set)
    days: set[date] = field(default_factory=set)  # of all rows that were planned

    @property
    def changes(self) -> bool:
        return bool(self.new or self.replaced or self.removed)


def valued_by_hand_alone(asset_ids: Collection[UUID]) -> set[UUID]:
    """Those of the assets whose derived data follows from their recorded values alone."""
    facts = facts_of(Asset.objects.filter(pk__among=list(asset_ids)))
    return {pk for pk, of_asset in facts.items() if of_asset.source == MANUAL}


def read_planned(planned: Mapping[UUID, PlannedValues]) -> Contribution:
    """What the values add to the derived data: deltas, and the months that change, as they will be."""
    total = Contribution.empty()
    changed = [pk for pk, of_asset in planned.items() if of_asset.changes]
    for pk, facts in facts_of(Asset.objects.filter(pk__among=changed)).items():
        if facts.source != MANUAL:
            raise TypeError(f"Values of {facts.source!r} cannot be planned.")
        add_planned(total, pk, facts, planned[pk])
    return total._replace(sums=drop_zeros(total.sums))


def add_planned(total: Contribution, asset_id: UUID, facts: AssetFacts, planned: PlannedValues) -> None:
    before: dict[date, int] = {}
    after: dict[date, int] = {}
    touched = set(planned.new)
    for pk, on, value in snapshots_sql.values_of(asset_id):  # of a day the last one stays
        before[on] = value
        if pk in planned.removed:
            touched.add(on)
            continue
        if pk in planned.replaced:
            touched.add(on)
        after[on] = planned.replaced.get(pk, value)
    after = dict(sorted({**after, **planned.new}.items()))
    for values, sign in ((before, -1), (after, 1)):
        add_values(total.sums, facts, values, values.values(), sign=sign)
    months = touched_months(asset_id, touched)
    total.encoded.update(dict.fromkeys(months, NOTHING))
    for month, encoded in encode_months([*after], [*after.values()]):
        if (asset_id, month) in months:
            total.encoded[asset_id, month] = encoded


def apply_planned(contribution: Contribution) -> None:
    """The values are written, and their portfolio is locked."""
    upkeep.apply(Contribution.empty(), contribution)
