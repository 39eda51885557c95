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

from assets import sql_params
from assets.models import Asset, DailyStep
from assets.models.daily_delta import ALL_TYPES
from assets.valuation import sql
from assets.valuation.series import History, steps_of
from assets.valuation.sources.snapshots import Around, Facts, all_values, facts_of

type Sums = dict[sql.Kind, dict[date, list[int]]]
BATCH = 500


def add(sums: Sums, facts: Facts, days: Iterable[date], values: Iterable[int], *, sign: int = 1) -> None:
    """Add the steps of an asset with these values (the oldest day first) to the sums."""
    past = History(facts.currency, tuple(days), tuple(values), facts.disposed_on)
    by_day = sums.setdefault((facts.portfolio_id, facts.currency, facts.asset_type_id), {})
    for on, _, _, owned, owed in steps_of((), past):
        both = by_day.setdefault(on, [0, 0])
        both[0] += sign * owned
        both[1] += sign * owed


def without_zeros(sums: Sums) -> Sums:
    """Days that have come to nothing are as good as none."""
    left = {kind: {on: both for on, both in days.items() if any(both)} for kind, days in sums.items()}
    return {kind: days for kind, days in left.items() if days}


# --- what a write changes ---


def add_around(sums: Sums, around: Around) -> None:
    """Add what the steps would lose without the snapshots that this is around."""
    add(sums, around.facts, around.with_them, around.with_them.values())
    add(sums, around.facts, around.without, around.without.values(), sign=-1)


def moved_by_assets(before: Mapping[UUID, Facts], after: Mapping[UUID, Facts]) -> Sums:
    """What it changes that some assets were one thing and are another, their values being what they were."""
    sums: Sums = {}
    changed = [pk for pk, facts in after.items() if before.get(pk, facts) != facts]
    for pk, days, values in all_values(changed):
        add(sums, before[pk], days, values, sign=-1)
        add(sums, after[pk], days, values)
    return sums


def with_all_types(sums: Sums) -> Sums:
    """The sums of single types, and for each portfolio and currency what they come to."""
    types = {kind: days for kind, days in sums.items() if kind[2] != ALL_TYPES}
    every: Sums = {}
    for (portfolio_id, currency, _), days in types.items():
        by_day = every.setdefault((portfolio_id, currency, ALL_TYPES), {})
        for on, (owned, owed) in days.items():
            both = by_day.setdefault(on, [0, 0])
            both[0] += owned
            both[1] += owed
    return types | every


def difference(after: Sums, before: Sums) -> Sums:
    found = {kind: {on: list(both) for on, both in days.items()} for kind, days in after.items()}
    for kind, days in before.items():
        by_day = found.setdefault(kind, {})
        for on, (owned, owed) in days.items():
            both = by_day.setdefault(on, [0, 0])
            both[0] -= owned
            both[1] -= owed
    return without_zeros(found)


def amend(change: Sums) -> None:
    """Add to the table. The portfolios are locked by the write that this belongs to."""
    kinds = sorted(without_zeros(with_all_types(change)).items(), key=itemgetter(0))
    steps = ((*kind, on, *both) for kind, days in kinds for on, both in sorted(days.items()))
    for batch in batched(steps, BATCH):
        sql.add_steps(batch)


def forget_assets(ids: Collection[UUID]) -> None:
    """Take away the part that assets have in the table, before they go with all their values."""
    sums: Sums = {}
    facts = facts_of(Asset.objects.filter(pk__among=ids))
    for pk, days, values in all_values(facts):
        add(sums, facts[pk], days, values, sign=-1)
    amend(sums)


def forget_portfolios(ids: Collection[UUID]) -> None:
    DailyStep.objects.filter(portfolio__in=ids).delete()


# --- made anew, and compared ---


def calculated(portfolio_id: UUID) -> Sums:
    """What the table should hold of a portfolio, by its values."""
    sums: Sums = {}
    facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
    for pk, days, values in all_values(facts):
        add(sums, facts[pk], days, values)
    return without_zeros(with_all_types(sums))


def stored(portfolio_id: UUID) -> Sums:
    """What the table holds of a portfolio."""
    rows = DailyStep.objects.filter(portfolio=portfolio_id).values_list(
        "on", "currency", "asset_type_id", "owned_high", "owned_low", "owed_high", "owed_low"
    )
    sums: Sums = {}
    for on, currency, kind, *amounts in rows.iterator(chunk_size=10_000):
        both = [sql_params.whole(*amounts[:2]), sql_params.whole(*amounts[2:])]
        sums.setdefault((portfolio_id, currency, kind), {})[on] = both
    return without_zeros(sums)


def mistakes(portfolio_id: UUID) -> Sums:
    """By how much the table is wrong about a portfolio, and where."""
    return difference(stored(portfolio_id), calculated(portfolio_id))
