"""The table of monthly deltas: what a write changes in it, rebuilt from the values, and compared with them.

Its SQL for reports is in assets.valuation.sql.deltas.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from assets.models import Asset, MonthlyDeltas
from assets.models.derived.monthly_deltas import ALL_TYPES
from assets.models.querysets import AssetQuerySet
from assets.valuation.codecs.deltas import (
    DayDelta,
    EncodedDeltas,
    by_month,
    decode_deltas,
    encode_deltas,
    total,
)
from assets.valuation.registry import stored_values
from assets.valuation.totals.contributions import (
    AnySums,
    AssetFacts,
    DeltaKey,
    DeltaSums,
    RunningSums,
    add_delta,
    add_values,
    difference,
    drop_zeros,
    valuations_of,
)
from strata.audit import clock
from strata.db.bulk import replace_rows
from strata.db.params import DAY, Days, array_text, fetch_rows, join_halves, parse_id, split_halves

ROWS_AT_ONCE = 500


class DeltaRow(NamedTuple):
    """A row of the table, with its sums in ten-thousandths."""

    key: DeltaKey
    month: date
    encoded: EncodedDeltas
    owned_sum: int
    owed_sum: int


def facts_of(assets: AssetQuerySet[Asset]) -> dict[UUID, AssetFacts]:
    return {pk: AssetFacts(*facts) for pk, *facts in assets.order_by().values_list("pk", *AssetFacts._fields)}


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
    parts: dict[DeltaKey, list[Mapping[date, Sequence[int]]]] = {}
    for (portfolio_id, currency, _), days in of_types.items():
        parts.setdefault((portfolio_id, currency, ALL_TYPES), []).append(days)
    return of_types | {key: added_up(of_key) for key, of_key in parts.items()}


def added_up(parts: Sequence[Mapping[date, Sequence[int]]]) -> Mapping[date, Sequence[int]]:
    if len(parts) == 1:
        return parts[0]
    by_day: dict[date, list[int]] = {}
    for days in parts:
        for on, delta in days.items():
            add_delta(by_day, on, delta)
    return by_day


def apply_deltas(change: AnySums) -> None:
    """Add the sums to the table. The write that calls this has locked the portfolios: it reads the months that change,
    and writes them as a whole.
    """
    changed = {
        (key, month): days
        for key, by_day in drop_zeros(with_all_types(change)).items()
        for month, days in by_month(by_day)
    }
    for batch in batched(sorted(changed), ROWS_AT_ONCE):
        stored_rows = {(row.key, row.month): row for row in stored_deltas(batch)}
        write_deltas([_added(at, stored_rows.get(at), changed[at]) for at in batch])


def _added(at: tuple[DeltaKey, date], row: DeltaRow | None, change: Mapping[date, Sequence[int]]) -> DeltaRow:
    key, month = at
    if row is None:
        return DeltaRow(key, month, encode_deltas(change), *total(change.values()))
    by_day: dict[date, list[int]] = {}
    for deltas in (decode_deltas(month, row.encoded), change):
        for on, delta in deltas.items():
            add_delta(by_day, on, delta)
    return DeltaRow(key, month, encode_deltas(by_day), *total(by_day.values()))


def forget_assets(ids: Collection[UUID]) -> None:
    """Subtract from the table what the assets contributed, before they are deleted with all their values."""
    sums: RunningSums = {}
    facts = facts_of(Asset.objects.filter(pk__among=ids))
    for pk, days, values in stored_values(valuations_of(facts)):
        add_values(sums, facts[pk], days, values, sign=-1)
    apply_deltas(sums)


def take_over(origin: UUID, target: UUID) -> None:
    """Add what the table has of a portfolio to what it has of another, and forget the first."""
    apply_deltas(
        {(target, currency, type_id): days for (_, currency, type_id), days in stored(origin).items()}
    )
    forget_portfolios([origin])


def forget_portfolios(ids: Collection[UUID]) -> None:
    MonthlyDeltas.objects.filter(portfolio__in=ids).delete()


# --- read to be changed, and written ---

_COLUMNS = ("days", "owned", "owed", "begun", "owned_high", "owned_low", "owed_high", "owed_low")
_KEY = ("portfolio", "asset_type", "currency", "month")
_GIVEN = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS portfolio_id, json_extract(value, '$[1]') AS asset_type_id,
        json_extract(value, '$[2]') AS currency, json_extract(value, '$[3]') AS month FROM json_each(%s)""",
    "postgresql": """SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::date[])
        AS delta(portfolio_id, asset_type_id, currency, month)""",
}
_STORED = f"""
    SELECT s.portfolio_id, s.currency, s.asset_type_id, {{month}}, {", ".join(f"s.{name}" for name in _COLUMNS)}
    FROM ({{given}}) AS given CROSS JOIN assets_monthlydeltas s
    WHERE s.portfolio_id = given.portfolio_id AND s.asset_type_id = given.asset_type_id
        AND s.month = given.month AND s.currency = given.currency"""  # noqa: S608 - constants only


def stored_deltas(months: Sequence[tuple[DeltaKey, date]]) -> Iterator[DeltaRow]:
    """The rows of these keys and months, as far as there are any."""
    clock.require_present()
    if not months:
        return iter(())
    vendor = connection.vendor
    statement = _STORED.format(given=_GIVEN[vendor], month=DAY[vendor].format("s.month"))
    keys = [_stored_key(key, month) for key, month in months]
    params = [*map(array_text, zip(*keys, strict=True))] if vendor == "postgresql" else [json.dumps(keys)]
    return rows_of(fetch_rows(statement, params))


def rows_of(rows: Iterable[Sequence[Any]]) -> Iterator[DeltaRow]:
    """Rows of (portfolio, currency, type, month, days, owned, owed, begun, and the four halves)."""
    months = Days()
    for portfolio, currency, asset_type, month, days, *encoded, own_high, own_low, owe_high, owe_low in rows:
        yield DeltaRow(
            (parse_id(portfolio), currency, parse_id(asset_type)),
            months[month],
            EncodedDeltas(days, *map(bytes, encoded)),
            join_halves(own_high, own_low),
            join_halves(owe_high, owe_low),
        )


def write_deltas(rows: Collection[DeltaRow]) -> None:
    """Insert rows, or replace those that are stored; each key and month occurs once."""
    replace_rows(
        MonthlyDeltas,
        (*_KEY, *_COLUMNS),
        (
            (
                *_stored_key(row.key, row.month),
                *row.encoded,
                *split_halves(row.owned_sum),
                *split_halves(row.owed_sum),
            )
            for row in rows
        ),
        unique=_KEY,
    )


def _stored_key(key: DeltaKey, month: date) -> tuple[str, str, str, str]:
    portfolio, currency, asset_type = key
    return portfolio.hex, asset_type.hex, currency, month.isoformat()


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
    for row in rows_of(rows.iterator(chunk_size=2_000)):
        by_day = sums.setdefault(row.key, {})
        days = _decoded(row)
        for on, delta in days.items():
            add_delta(by_day, on, delta)
        owned, owed = total(days.values())
        add_delta(by_day, row.month, (row.owned_sum - owned, row.owed_sum - owed, 0))
    return drop_zeros(sums)


def _decoded(row: DeltaRow) -> Mapping[date, DayDelta]:
    """The days of a row; none where it cannot be read, which is then found to be wrong."""
    try:
        return decode_deltas(row.month, row.encoded)
    except ValueError:
        return {}


def differences(portfolio_id: UUID) -> DeltaSums:
    """Where the table is wrong for a portfolio, and by how much (stored less calculated)."""
    return difference(stored(portfolio_id), calculated(portfolio_id))
