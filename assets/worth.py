"""The value of these assets on these days: the one interface between what is stored and every report.

Today values come from snapshots; whatever else will make values comes in here, and nothing above may notice.

Who calls answers for the door: the portfolio ids must have come through `for_user`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F

from assets.calculations.valuation import History, Keys, Totals, fold, grid_totals
from assets.models import Asset, AssetCategory, AssetTag

COLUMNS = {
    "type": "asset_type_id",
    "group": "asset_type__group",
    "currency": "currency",
    "portfolio": "portfolio_id",
    "asset": "pk",
}
LABELS = {"category": AssetCategory, "tag": AssetTag}
GROUPINGS = (*COLUMNS, *LABELS)
COARSE_DAYS = 7  # measured: from weeks on, looking values up day by day costs less than reading all of them


def totals_on(
    portfolio_ids: Collection[UUID],
    days: Sequence[date],
    *,
    by: str | None = None,
    rename: Mapping[Hashable, Hashable] | None = None,
    derived: bool = True,
) -> Totals:
    """What the portfolios' assets add up to on each of `days` (each once, ascending), in ten-thousandths.

    `by` is one of GROUPINGS, or None for one total. The keys are ids (of types, categories, tags, portfolios and
    assets) or texts (groups and currencies). An asset's keys are all its own categories or tags, so there may be
    several or none; `rename` puts another key in the place of those that it names (a category's ancestor, say).
    Columns that are zero on every day are left out. `derived=False` reads the values themselves and not what is
    stored of their sums: for who looks at rows that are not the present ones.
    """
    held = _holdings(portfolio_ids, by, rename or {})
    if not held or not days:
        return Totals(tuple(days), {})
    coarse = (days[-1] - days[0]).days >= COARSE_DAYS * (len(days) - 1)
    return _without_zeros(by_grid(held, days) if coarse else by_fold(held, days))


def histories(portfolio_ids: Collection[UUID], *, start: date, end: date) -> dict[UUID, History]:
    """Of each asset the newest value on or before `start`, and those of every later day up to `end`.

    An asset that has neither has an empty history. Amounts are ten-thousandths.
    """
    held = _holdings(portfolio_ids, None, {})
    return {asset.id: past for asset, past in _histories(held, start, end)}


class Holding(NamedTuple):
    """An asset, and the groups that it counts in."""

    id: UUID
    currency: str
    disposed_on: date | None
    keys: Keys


def _holdings(
    portfolio_ids: Collection[UUID], by: str | None, rename: Mapping[Hashable, Hashable]
) -> list[Holding]:
    assets = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    if by in LABELS:
        labels = _labels(portfolio_ids, by)
        rows = assets.values_list("pk", "currency", "disposed_on")
        return [Holding(*row, _renamed(labels.get(row[0], ()), rename)) for row in rows]
    if by is None:
        return [Holding(*row, ()) for row in assets.values_list("pk", "currency", "disposed_on")]
    rows = assets.annotate(worth_key=F(COLUMNS[by])).values_list("pk", "currency", "disposed_on", "worth_key")
    return [Holding(*row, _renamed((key,), rename)) for *row, key in rows]


def _labels(portfolio_ids: Collection[UUID], by: str) -> dict[UUID, list[UUID]]:
    links = LABELS[by].objects.filter(asset__portfolio__in=portfolio_ids).order_by()
    found: dict[UUID, list[UUID]] = {}
    for asset_id, label_id in links.values_list("asset_id", f"{by}_id"):
        found.setdefault(asset_id, []).append(label_id)
    return found


def _renamed(keys: Iterable[Hashable], rename: Mapping[Hashable, Hashable]) -> Keys:
    """In one order, whatever the database's was: assets in the same groups stand in one column."""
    return tuple(sorted({rename.get(key, key) for key in keys}, key=str))


def _without_zeros(totals: Totals) -> Totals:
    kept = {key: column for key, column in totals.columns.items() if any(column.owned) or any(column.owed)}
    return Totals(totals.days, kept)


# --- from the values: a fold for daily series, a grid for coarse ones ---


def by_fold(held: Iterable[Holding], days: Sequence[date]) -> Totals:
    past = _histories(list(held), days[0], days[-1])
    return fold(((asset.keys, history) for asset, history in past), days)


def by_grid(held: Iterable[Holding], days: Sequence[date]) -> Totals:
    """Each asset's newest value on each day, added up by the database, which is told where each asset counts."""
    places: dict[tuple[Keys, str], int] = {}
    rows = [
        (asset.id, places.setdefault((asset.keys, asset.currency), len(places)), asset.disposed_on)
        for asset in held
    ]
    columns = list(places)
    sums = _fetched(_GRID[connection.vendor], [*_told(rows), *_told_days(days)])
    amounts = (
        (days[number], *columns[place], int(high) * HALF + int(low))
        for number, place, *halves in sums
        for high, low in (halves[:2], halves[2:])
    )
    return grid_totals(amounts, days)


def _histories(held: Sequence[Holding], start: date, end: date) -> Iterator[tuple[Holding, History]]:
    rows = [(asset.id, number, None) for number, asset in enumerate(held)]
    found = _fetched(_VALUES[connection.vendor], [*_told(rows), start, end])
    known: dict[str, date] = _Days()
    packed = {number: (json.loads(days), json.loads(values)) for number, days, values in found}
    for number, asset in enumerate(held):
        days, values = packed.pop(number, ((), ()))
        # Of several values on a day the last one stands, as they come by day and instant.
        last = dict(zip((known[day] for day in days), values, strict=True))
        yield asset, History(asset.currency, tuple(last), tuple(last.values()), asset.disposed_on)


class _Days(dict[str, date]):
    """Days by their text: a million values have few of them."""

    def __missing__(self, text: str) -> date:
        self[text] = found = date.fromisoformat(text)
        return found


# --- SQL: read by way of models, a million values would take minutes ---

HALF = 10**8  # amounts are added up in two halves, so that no sum of BIGINTs overflows
type Place = tuple[UUID, int, date | None]  # an asset, where it counts, and when it went

# Tables made of parameters: the assets and the days that are asked for.
_ASSETS = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS place,
        json_extract(value, '$[2]') AS gone FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::uuid[], %s::int[], %s::date[]) AS asset(id, place, gone)",
}
_DAYS = {
    "sqlite": "SELECT value AS on_day, key AS number FROM json_each(%s)",
    "postgresql": "SELECT * FROM unnest(%s::date[], %s::int[]) AS day(on_day, number)",
}
_GRID = {
    vendor: f"""
    WITH asset AS ({_ASSETS[vendor]}), day AS ({_DAYS[vendor]}),
    worth AS MATERIALIZED (
        SELECT day.number, asset.place, (
            SELECT s.value FROM assets_assetsnapshot s WHERE s.asset_id = asset.id AND s."on" <= day.on_day
            ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1
        ) AS value
        FROM asset CROSS JOIN day WHERE asset.gone IS NULL OR asset.gone > day.on_day
    )
    SELECT number, place,
        COALESCE(SUM(CASE WHEN value > 0 THEN value / {HALF} END), 0),
        COALESCE(SUM(CASE WHEN value > 0 THEN value %% {HALF} END), 0),
        COALESCE(SUM(CASE WHEN value < 0 THEN value / {HALF} END), 0),
        COALESCE(SUM(CASE WHEN value < 0 THEN value %% {HALF} END), 0)
    FROM worth WHERE value IS NOT NULL GROUP BY number, place"""  # noqa: S608 - made of our own words
    for vendor in _ASSETS
}
_PACKED = {
    "sqlite": 'json_group_array("on"), json_group_array(value)',
    "postgresql": 'json_agg("on")::text, json_agg(value)::text',
}
_VALUES = {
    vendor: f"""
    WITH asset AS ({_ASSETS[vendor]}), span AS (SELECT %s AS opening, %s AS closing)
    SELECT place, {_PACKED[vendor]} FROM (
        SELECT asset.place, s."on", s.value FROM asset CROSS JOIN span
        JOIN assets_assetsnapshot s ON s.asset_id = asset.id AND s."on" <= span.closing AND s."on" >= COALESCE((
            SELECT MAX(o."on") FROM assets_assetsnapshot o WHERE o.asset_id = asset.id AND o."on" <= span.opening
        ), span.opening)
        ORDER BY s.asset_id, s."on", s.observed_at
    ) AS ordered GROUP BY place"""  # noqa: S608 - made of our own words
    for vendor in _ASSETS
}


def _told(rows: Sequence[Place]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return [json.dumps([(pk.hex, place, gone and gone.isoformat()) for pk, place, gone in rows])]


def _told_days(days: Sequence[date]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(days), list(range(len(days)))]
    return [json.dumps([day.isoformat() for day in days])]


def _fetched(sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
