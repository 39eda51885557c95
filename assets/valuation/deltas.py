"""The table of monthly deltas: updated with every write of values, rebuilt from them, and compared with them.

"Sums" are deltas added up, by day, for each portfolio, currency and type. A write adds its difference to the table, so
the order of writes does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from assets.models import Asset, MonthlyDeltas
from assets.models.derived.monthly_deltas import ALL_TYPES
from assets.models.querysets import AssetQuerySet
from assets.valuation import registry, sql
from assets.valuation.codecs.deltas import DayDelta, by_month, decode_deltas, encode_deltas, total
from assets.valuation.registry import stored_values
from strata.audit import clock


class AssetFacts(NamedTuple):
    """What decides where an asset counts, until when, and whether it does; and which source values it."""

    portfolio_id: UUID
    asset_type_id: UUID
    currency: str
    disposed_on: date | None
    counts_in_net_worth: bool
    valuation: str
    shares: str

    @property
    def source(self) -> str:
        return registry.source_name(self.valuation, self.shares)


def facts_of(assets: AssetQuerySet[Asset]) -> dict[UUID, AssetFacts]:
    return {pk: AssetFacts(*facts) for pk, *facts in assets.order_by().values_list("pk", *AssetFacts._fields)}


def valuations_of(facts: Mapping[UUID, AssetFacts], ids: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """The source of each of the assets, or of these."""
    return {pk: facts[pk].source for pk in (facts if ids is None else ids)}


type DeltaSums = dict[sql.DeltaKey, dict[date, DayDelta]]
# The same while values are added up, as [owned, owed, begun]: a list is changed in place, and a DayDelta for each value
# would take a quarter longer. difference() returns DeltaSums.
type RunningSums = dict[sql.DeltaKey, dict[date, list[int]]]
type AnySums = Mapping[sql.DeltaKey, Mapping[date, Sequence[int]]]


def add_values(
    sums: RunningSums, facts: AssetFacts, days: Iterable[date], values: Iterable[int | None], *, sign: int = 1
) -> None:
    """Add the deltas of an asset with these values (the oldest day first) to the sums.

    Nothing for an asset that does not count in net worth: the table has only what counts.
    """
    if not facts.counts_in_net_worth:
        return
    by_day = sums.setdefault((facts.portfolio_id, facts.currency, facts.asset_type_id), {})
    before, end = 0, facts.disposed_on or date.max
    first = None
    for on, value in zip(
        days, values, strict=True
    ):  # as series.deltas_of, which is slower for a million values
        first = on if first is None else first
        if on >= end:
            break
        if (amount := value or 0) != before:
            _add_change(by_day, on, before, amount, sign)
            before = amount
    if before and facts.disposed_on is not None:
        _add_change(by_day, facts.disposed_on, before, 0, sign)
    # It begins with its first value, whether or not it is disposed of before. Of part of its values, the first counts
    # before and after a write, unless the write touches it.
    if first is not None:
        by_day.setdefault(first, [0, 0, 0])[2] += sign


def _add_change(by_day: dict[date, list[int]], on: date, before: int, after: int, sign: int) -> None:
    """Add to the day's [owned, owed, begun] that an asset's value has changed."""
    day_delta = by_day.get(on)
    if day_delta is None:
        day_delta = by_day[on] = [0, 0, 0]
    if before >= 0 and after >= 0:
        day_delta[0] += sign * (after - before)
    else:
        day_delta[0] += sign * (max(after, 0) - max(before, 0))
        day_delta[1] += sign * (min(after, 0) - min(before, 0))


def drop_zeros[Amounts: Sequence[int]](
    sums: Mapping[sql.DeltaKey, Mapping[date, Amounts]],
) -> dict[sql.DeltaKey, dict[date, Amounts]]:
    """The sums without days on which all amounts are zero, and without keys that then have no days left."""
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
    same_source = [pk for pk in changed if before[pk].source == after[pk].source]
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
        for on, delta in days.items():
            _add(by_day, on, delta)
    return of_types | of_all_types


def difference(after: AnySums, before: AnySums) -> DeltaSums:
    sums = {key: {on: list(amounts) for on, amounts in days.items()} for key, days in after.items()}
    for key, days in before.items():
        by_day = sums.setdefault(key, {})
        for on, delta in days.items():
            _add(by_day, on, delta, sign=-1)
    return {
        key: {on: DayDelta(*amounts) for on, amounts in days.items()}
        for key, days in drop_zeros(sums).items()
    }


def _add(by_day: dict[date, list[int]], on: date, delta: Sequence[int], *, sign: int = 1) -> None:
    day_delta = by_day.setdefault(on, [0, 0, 0])
    for place, amount in enumerate(delta):
        day_delta[place] += sign * amount


def apply_deltas(change: AnySums) -> None:
    """Add the sums to the table. The write that calls this has locked the portfolios: it reads the months that change,
    and writes them as a whole.
    """
    changed = {
        (key, month): days
        for key, by_day in drop_zeros(with_all_types(change)).items()
        for month, days in by_month(by_day)
    }
    for batch in batched(sorted(changed), sql.DELTAS_AT_ONCE):
        stored_rows = {(row.key, row.month): row for row in sql.stored_deltas(batch)}
        sql.write_deltas([_added(at, stored_rows.get(at), changed[at]) for at in batch])


def _added(
    at: tuple[sql.DeltaKey, date], row: sql.DeltaRow | None, change: Mapping[date, Sequence[int]]
) -> sql.DeltaRow:
    key, month = at
    if row is None:
        return sql.DeltaRow(key, month, encode_deltas(change), *total(change.values()))
    by_day: dict[date, list[int]] = {}
    for deltas in (decode_deltas(month, row.encoded), change):
        for on, delta in deltas.items():
            _add(by_day, on, delta)
    return sql.DeltaRow(key, month, encode_deltas(by_day), *total(by_day.values()))


def forget_assets(ids: Collection[UUID]) -> None:
    """Subtract from the table what the assets contributed, before they are deleted with all their values."""
    sums: RunningSums = {}
    facts = facts_of(Asset.objects.filter(pk__among=ids))
    for pk, days, values in stored_values(valuations_of(facts)):
        add_values(sums, facts[pk], days, values, sign=-1)
    apply_deltas(sums)


def forget_portfolios(ids: Collection[UUID]) -> None:
    MonthlyDeltas.objects.filter(portfolio__in=ids).delete()


# --- rebuilt, and compared ---


def calculated(portfolio_id: UUID) -> AnySums:
    """What the table should hold for a portfolio, calculated from its values."""
    sums: RunningSums = {}
    facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
    for pk, days, values in stored_values(valuations_of(facts)):
        add_values(sums, facts[pk], days, values)
    return drop_zeros(with_all_types(sums))


def stored(portfolio_id: UUID) -> AnySums:
    """What the table holds for a portfolio. What the sum of a month says more than its days is on its first day."""
    clock.require_present()
    rows = MonthlyDeltas.objects.filter(portfolio=portfolio_id).values_list(
        "portfolio_id", "currency", "asset_type_id", "month", "days", "owned", "owed", "begun",
        "owned_high", "owned_low", "owed_high", "owed_low",
    )  # fmt: skip
    sums: RunningSums = {}
    for row in sql.rows_of(rows.iterator(chunk_size=2_000)):
        by_day = sums.setdefault(row.key, {})
        days = _decoded(row)
        for on, delta in days.items():
            _add(by_day, on, delta)
        owned, owed = total(days.values())
        _add(by_day, row.month, (row.owned_sum - owned, row.owed_sum - owed, 0))
    return drop_zeros(sums)


def _decoded(row: sql.DeltaRow) -> Mapping[date, DayDelta]:
    """The days of a row; none where it cannot be read, which is then found to be wrong."""
    try:
        return decode_deltas(row.month, row.encoded)
    except ValueError:
        return {}


def differences(portfolio_id: UUID) -> DeltaSums:
    """Where the table is wrong for a portfolio, and by how much (stored less calculated)."""
    return difference(stored(portfolio_id), calculated(portfolio_id))
