"""The table of daily deltas: updated with every write of values, rebuilt from them, and compared with them.

"Sums" are deltas added up, by day, for each portfolio, currency and type. A write adds its difference to the table, so
the order of writes does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import batched
from operator import itemgetter
from typing import NamedTuple, cast
from uuid import UUID

from assets.models import Asset, DailyDelta
from assets.models.daily_delta import ALL_TYPES
from assets.models.querysets import AssetQuerySet
from assets.valuation import sql
from assets.valuation.registry import stored_values
from assets.valuation.series import Keys, ValueSeries, deltas_of
from strata.audit import clock
from strata.db.params import join_halves


class AssetFacts(NamedTuple):
    """What decides where an asset counts, until when, and whether it does; and which source values it."""

    portfolio_id: UUID
    asset_type_id: UUID
    currency: str
    disposed_on: date | None
    counts_in_net_worth: bool
    valuation: str


def facts_of(assets: AssetQuerySet[Asset]) -> dict[UUID, AssetFacts]:
    return {pk: AssetFacts(*facts) for pk, *facts in assets.order_by().values_list("pk", *AssetFacts._fields)}


def valuations_of(facts: Mapping[UUID, AssetFacts], ids: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """The source of each of the assets, or of these."""
    return {pk: facts[pk].valuation for pk in (facts if ids is None else ids)}


class OwnedOwed(NamedTuple):
    """By how much what is owned and what is owed rose, in ten-thousandths; negative for a fall."""

    owned: int
    owed: int


type DeltaSums = dict[sql.DeltaKey, dict[date, OwnedOwed]]
# The same while values are added up, as [owned, owed]: a list is changed in place, and an OwnedOwed for each value
# would take a quarter longer. difference() returns DeltaSums.
type RunningSums = dict[sql.DeltaKey, dict[date, list[int]]]
type AnySums = Mapping[sql.DeltaKey, Mapping[date, Sequence[int]]]
BATCH = 500


def add_values(
    sums: RunningSums, facts: AssetFacts, days: Iterable[date], values: Iterable[int | None], *, sign: int = 1
) -> None:
    """Add the deltas of an asset with these values (the oldest day first) to the sums.

    Nothing for an asset that does not count in net worth: the table has only what counts.
    """
    if not facts.counts_in_net_worth:
        return
    series = ValueSeries(facts.currency, tuple(days), tuple(values), facts.disposed_on)
    by_day = sums.setdefault((facts.portfolio_id, facts.currency, facts.asset_type_id), {})
    # As the values, they are whole.
    deltas = cast("list[tuple[date, Keys, str, int, int]]", deltas_of((), series))
    for on, _, _, owned, owed in deltas:
        owned_owed = by_day.setdefault(on, [0, 0])
        owned_owed[0] += sign * owned
        owned_owed[1] += sign * owed


def drop_zeros[Amounts: Sequence[int]](
    sums: Mapping[sql.DeltaKey, Mapping[date, Amounts]],
) -> dict[sql.DeltaKey, dict[date, Amounts]]:
    """The sums without days on which both amounts are zero, and without keys that then have no days left."""
    nonzero = {
        key: {on: amounts for on, amounts in days.items() if any(amounts)} for key, days in sums.items()
    }
    return {key: days for key, days in nonzero.items() if days}


# --- what a write changes ---


def deltas_of_changed_assets(
    before: Mapping[UUID, AssetFacts], after: Mapping[UUID, AssetFacts]
) -> RunningSums:
    """The difference caused by new facts about assets; each source gives the same values before and after."""
    sums: RunningSums = {}
    changed = [pk for pk, facts in after.items() if before.get(pk, facts) != facts]
    same_source = [pk for pk in changed if before[pk].valuation == after[pk].valuation]
    for pk, days, values in stored_values(valuations_of(after, same_source)):
        add_values(sums, before[pk], days, values, sign=-1)
        add_values(sums, after[pk], days, values)
    other_source = set(changed) - set(same_source)
    for facts, sign in ((before, -1), (after, 1)):
        for pk, days, values in stored_values(valuations_of(facts, other_source)):
            add_values(sums, facts[pk], days, values, sign=sign)
    return sums


def with_all_types(sums: AnySums) -> AnySums:
    """The sums of single types, and for each portfolio and currency the sum over all types."""
    of_types = {key: days for key, days in sums.items() if key[2] != ALL_TYPES}
    of_all_types: RunningSums = {}
    for (portfolio_id, currency, _), days in of_types.items():
        by_day = of_all_types.setdefault((portfolio_id, currency, ALL_TYPES), {})
        for on, (owned, owed) in days.items():
            owned_owed = by_day.setdefault(on, [0, 0])
            owned_owed[0] += owned
            owned_owed[1] += owed
    return of_types | of_all_types


def difference(after: AnySums, before: AnySums) -> DeltaSums:
    sums = {key: {on: list(amounts) for on, amounts in days.items()} for key, days in after.items()}
    for key, days in before.items():
        by_day = sums.setdefault(key, {})
        for on, (owned, owed) in days.items():
            owned_owed = by_day.setdefault(on, [0, 0])
            owned_owed[0] -= owned
            owned_owed[1] -= owed
    return {
        key: {on: OwnedOwed(*amounts) for on, amounts in days.items()}
        for key, days in drop_zeros(sums).items()
    }


def apply_deltas(change: AnySums) -> None:
    """Add the sums to the table. The write that calls this has locked the portfolios."""
    by_key = sorted(drop_zeros(with_all_types(change)).items(), key=itemgetter(0))
    rows = (
        (portfolio_id, currency, asset_type_id, on, owned, owed)
        for (portfolio_id, currency, asset_type_id), days in by_key
        for on, (owned, owed) in sorted(days.items())
    )
    for batch in batched(rows, BATCH):
        sql.add_deltas(batch)


def forget_assets(ids: Collection[UUID]) -> None:
    """Subtract from the table what the assets contributed, before they are deleted with all their values."""
    sums: RunningSums = {}
    facts = facts_of(Asset.objects.filter(pk__among=ids))
    for pk, days, values in stored_values(valuations_of(facts)):
        add_values(sums, facts[pk], days, values, sign=-1)
    apply_deltas(sums)


def forget_portfolios(ids: Collection[UUID]) -> None:
    DailyDelta.objects.filter(portfolio__in=ids).delete()


# --- rebuilt, and compared ---


def calculated(portfolio_id: UUID) -> AnySums:
    """What the table should hold for a portfolio, calculated from its values."""
    sums: RunningSums = {}
    facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
    for pk, days, values in stored_values(valuations_of(facts)):
        add_values(sums, facts[pk], days, values)
    return drop_zeros(with_all_types(sums))


def stored(portfolio_id: UUID) -> AnySums:
    """What the table holds for a portfolio."""
    clock.require_present()
    rows = DailyDelta.objects.filter(portfolio=portfolio_id).values_list(
        "on", "currency", "asset_type_id", "owned_high", "owned_low", "owed_high", "owed_low"
    )
    sums: RunningSums = {}
    for on, currency, asset_type_id, *split_halves in rows.iterator(chunk_size=10_000):
        owned_owed = [join_halves(*split_halves[:2]), join_halves(*split_halves[2:])]
        sums.setdefault((portfolio_id, currency, asset_type_id), {})[on] = owned_owed
    return drop_zeros(sums)


def differences(portfolio_id: UUID) -> DeltaSums:
    """Where the table is wrong for a portfolio, and by how much (stored less calculated)."""
    return difference(stored(portfolio_id), calculated(portfolio_id))
