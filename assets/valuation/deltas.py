"""The table of daily steps: kept in step with the values, made anew, and compared with them.

"Sums" are what steps add up to: [owned, owed] by day, for each portfolio, currency and type. A write adds the
difference that it makes, so that writes in any order come to the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import batched
from operator import itemgetter
from uuid import UUID

from assets.models import Asset, DailyDelta
from assets.models.daily_delta import ALL_TYPES
from assets.valuation import sql
from assets.valuation.series import ValueSeries, deltas_of
from assets.valuation.sources.snapshots import AssetFacts, ValuesAround, all_values, facts_of
from strata.db import params as sql_params

type DeltaSums = dict[sql.DeltaKey, dict[date, list[int]]]
BATCH = 500


def add_values(
    sums: DeltaSums, facts: AssetFacts, days: Iterable[date], values: Iterable[int], *, sign: int = 1
) -> None:
    """Add the steps of an asset with these values (the oldest day first) to the sums."""
    past = ValueSeries(facts.currency, tuple(days), tuple(values), facts.disposed_on)
    by_day = sums.setdefault((facts.portfolio_id, facts.currency, facts.asset_type_id), {})
    for on, _, _, owned, owed in deltas_of((), past):
        both = by_day.setdefault(on, [0, 0])
        both[0] += sign * owned
        both[1] += sign * owed


def drop_zeros(sums: DeltaSums) -> DeltaSums:
    """Days that have come to nothing are as good as none."""
    left = {kind: {on: both for on, both in days.items() if any(both)} for kind, days in sums.items()}
    return {kind: days for kind, days in left.items() if days}


# --- what a write changes ---


def add_values_around(sums: DeltaSums, around: ValuesAround) -> None:
    """Add what the steps would lose without the snapshots that this is around."""
    add_values(sums, around.facts, around.with_them, around.with_them.values())
    add_values(sums, around.facts, around.without, around.without.values(), sign=-1)


def deltas_of_changed_assets(
    before: Mapping[UUID, AssetFacts], after: Mapping[UUID, AssetFacts]
) -> DeltaSums:
    """What it changes that some assets were one thing and are another, their values being what they were."""
    sums: DeltaSums = {}
    changed = [pk for pk, facts in after.items() if before.get(pk, facts) != facts]
    for pk, days, values in all_values(changed):
        add_values(sums, before[pk], days, values, sign=-1)
        add_values(sums, after[pk], days, values)
    return sums


def with_all_types(sums: DeltaSums) -> DeltaSums:
    """The sums of single types, and for each portfolio and currency what they come to."""
    types = {kind: days for kind, days in sums.items() if kind[2] != ALL_TYPES}
    every: DeltaSums = {}
    for (portfolio_id, currency, _), days in types.items():
        by_day = every.setdefault((portfolio_id, currency, ALL_TYPES), {})
        for on, (owned, owed) in days.items():
            both = by_day.setdefault(on, [0, 0])
            both[0] += owned
            both[1] += owed
    return types | every


def difference(after: DeltaSums, before: DeltaSums) -> DeltaSums:
    found = {kind: {on: list(both) for on, both in days.items()} for kind, days in after.items()}
    for kind, days in before.items():
        by_day = found.setdefault(kind, {})
        for on, (owned, owed) in days.items():
            both = by_day.setdefault(on, [0, 0])
            both[0] -= owned
            both[1] -= owed
    return drop_zeros(found)


def apply_deltas(change: DeltaSums) -> None:
    """Add to the table. The portfolios are locked by the write that this belongs to."""
    kinds = sorted(drop_zeros(with_all_types(change)).items(), key=itemgetter(0))
    steps = ((*kind, on, *both) for kind, days in kinds for on, both in sorted(days.items()))
    for batch in batched(steps, BATCH):
        sql.add_deltas(batch)


def forget_assets(ids: Collection[UUID]) -> None:
    """Take away the part that assets have in the table, before they go with all their values."""
    sums: DeltaSums = {}
    facts = facts_of(Asset.objects.filter(pk__among=ids))
    for pk, days, values in all_values(facts):
        add_values(sums, facts[pk], days, values, sign=-1)
    apply_deltas(sums)


def forget_portfolios(ids: Collection[UUID]) -> None:
    DailyDelta.objects.filter(portfolio__in=ids).delete()


# --- made anew, and compared ---


def calculated(portfolio_id: UUID) -> DeltaSums:
    """What the table should hold of a portfolio, by its values."""
    sums: DeltaSums = {}
    facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
    for pk, days, values in all_values(facts):
        add_values(sums, facts[pk], days, values)
    return drop_zeros(with_all_types(sums))


def stored(portfolio_id: UUID) -> DeltaSums:
    """What the table holds of a portfolio."""
    rows = DailyDelta.objects.filter(portfolio=portfolio_id).values_list(
        "on", "currency", "asset_type_id", "owned_high", "owned_low", "owed_high", "owed_low"
    )
    sums: DeltaSums = {}
    for on, currency, kind, *amounts in rows.iterator(chunk_size=10_000):
        both = [sql_params.join_halves(*amounts[:2]), sql_params.join_halves(*amounts[2:])]
        sums.setdefault((portfolio_id, currency, kind), {})[on] = both
    return drop_zeros(sums)


def differences(portfolio_id: UUID) -> DeltaSums:
    """By how much the table is wrong about a portfolio, and where."""
    return difference(stored(portfolio_id), calculated(portfolio_id))
