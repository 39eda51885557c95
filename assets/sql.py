"""The statements written by hand, for SQLite and PostgreSQL: read by way of models, a million values take minutes.

They know tables and columns, and nothing of what is made of them. Amounts are ten-thousandths, days are dates and
ids are UUIDs on both sides, whichever the database.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

HALF = 10**8  # amounts are added up in two halves, so that no sum of BIGINTs overflows
type Place = tuple[UUID, int, date | None]  # an asset, where it counts, and when it went

# Tables made of parameters.
_IDS = {
    "sqlite": "SELECT value AS id FROM json_each(%s)",
    "postgresql": "SELECT unnest(%s::uuid[]) AS id",
}
_ASSETS = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS place,
        json_extract(value, '$[2]') AS gone FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::uuid[], %s::int[], %s::date[]) AS asset(id, place, gone)",
}
_DAYS = {
    "sqlite": "SELECT value AS on_day, key AS number FROM json_each(%s)",
    "postgresql": "SELECT * FROM unnest(%s::date[], %s::int[]) AS day(on_day, number)",
}


def fetched(sql: str, params: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Row by row: a million at once would be hundreds of megabytes."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        yield from cursor


def _told_ids(ids: Collection[UUID]) -> Any:
    return list(ids) if connection.vendor == "postgresql" else json.dumps([pk.hex for pk in ids])


def _told_places(rows: Sequence[Place]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return [json.dumps([(pk.hex, place, gone and gone.isoformat()) for pk, place, gone in rows])]


def _told_days(days: Sequence[date]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(days), list(range(len(days)))]
    return [json.dumps([day.isoformat() for day in days])]


class _Days(dict[Any, date]):
    """Days by how the database writes them: a million values have few of them."""

    def __missing__(self, text: Any) -> date:
        self[text] = found = text if isinstance(text, date) else date.fromisoformat(text)
        return found


class _Ids(dict[Any, UUID]):
    def __missing__(self, stored: Any) -> UUID:
        self[stored] = found = stored if isinstance(stored, UUID) else UUID(stored)
        return found


def whole(high: Any, low: Any) -> int:
    """An amount from its two halves."""
    return int(high) * HALF + int(low)


def halves(amount: int) -> tuple[int, int]:
    """Both with the amount's sign, as SQL divides."""
    high, low = divmod(abs(amount), HALF)
    return (high, low) if amount >= 0 else (-high, -low)


# --- the newest value of each asset on each day, added up by place ---

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


def sums_on(places: Sequence[Place], days: Sequence[date]) -> Iterator[tuple[date, int, int, int]]:
    """(day, place, owned, owed) where an asset of the place has a value on or before the day, and is not gone."""
    for number, place, *amounts in fetched(
        _GRID[connection.vendor], [*_told_places(places), *_told_days(days)]
    ):
        yield days[number], place, whole(*amounts[:2]), whole(*amounts[2:])


# --- every value of each asset, packed: a row for each asset ---

# Of several values of a day the last one stands: in an object a key that comes again takes the first one's place.
_PACKED = {
    "sqlite": """json_group_object("on", value) FROM (
        SELECT s."on", s.value {source} ORDER BY s."on", s.observed_at)""",
    "postgresql": """json_object_agg(s."on", s.value ORDER BY s."on", s.observed_at)::text {source}""",
}
_SOURCE = """FROM assets_assetsnapshot s WHERE s.asset_id = asset.id AND s."on" <= %s AND s."on" >= COALESCE((
    SELECT MAX(o."on") FROM assets_assetsnapshot o WHERE o.asset_id = asset.id AND o."on" <= %s
), %s)"""
_VALUES = {
    vendor: f"""WITH asset AS ({_ASSETS[vendor]})
    SELECT place, (SELECT {_PACKED[vendor].format(source=_SOURCE)}) FROM asset"""  # noqa: S608 - our own words
    for vendor in _ASSETS
}


def values_between(ids: Sequence[UUID], start: date, end: date) -> Iterator[tuple[UUID, dict[date, int]]]:
    """Each asset's last value of each day, from the newest day up to `start` on, until `end`; some have none."""
    known = _Days()
    params = [*_told_places([(pk, number, None) for number, pk in enumerate(ids)]), end, start, start]
    for number, packed in fetched(_VALUES[connection.vendor], params):
        yield ids[number], {known[on]: value for on, value in json.loads(packed or "{}").items()}


# --- the values around some snapshots ---

_AROUND = {
    vendor: f"""
    WITH mine AS ({_IDS[vendor]}),
    touched AS (
        SELECT s.asset_id, MIN(s."on") AS first_on, MAX(s."on") AS last_on FROM assets_assetsnapshot s
        WHERE s.id IN (SELECT id FROM mine) GROUP BY s.asset_id
    )
    SELECT a.id, a.portfolio_id, a.asset_type_id, a.currency, a.disposed_on,
        s."on", s.value, s.id IN (SELECT id FROM mine)
    FROM touched t JOIN assets_asset a ON a.id = t.asset_id
    JOIN assets_assetsnapshot s ON s.asset_id = t.asset_id
    AND s."on" >= COALESCE((
        SELECT MAX(b."on") FROM assets_assetsnapshot b WHERE b.asset_id = t.asset_id AND b."on" < t.first_on
    ), t.first_on)
    AND s."on" <= COALESCE((
        SELECT MIN(l."on") FROM assets_assetsnapshot l WHERE l.asset_id = t.asset_id AND l."on" > t.last_on
    ), t.last_on)
    ORDER BY s.asset_id, s."on", s.observed_at"""  # noqa: S608 - made of our own words
    for vendor in _IDS
}


def values_around(snapshot_ids: Collection[UUID]) -> Iterator[tuple[Any, ...]]:
    """(asset, portfolio, type, currency, disposed_on, on, value, whether it is one of these), in order of time.

    For each asset of the snapshots from the last day before the first of them to the first day after the last.
    """
    days, known = _Days({None: None}), _Ids()
    rows = fetched(_AROUND[connection.vendor], [_told_ids(snapshot_ids)])
    for asset, portfolio, kind, currency, gone, on, value, its in rows:
        yield known[asset], known[portfolio], known[kind], currency, days[gone], days[on], value, bool(its)


# --- the table of daily steps ---

_ADD = """
    INSERT INTO assets_dailystep
        (portfolio_id, "on", currency, asset_type_id, owned_high, owned_low, owed_high, owed_low) VALUES {rows}
    ON CONFLICT (portfolio_id, "on", currency, asset_type_id) DO UPDATE SET
        owned_high = assets_dailystep.owned_high + excluded.owned_high,
        owned_low = assets_dailystep.owned_low + excluded.owned_low,
        owed_high = assets_dailystep.owed_high + excluded.owed_high,
        owed_low = assets_dailystep.owed_low + excluded.owed_low"""
type Kind = tuple[UUID, date, str, UUID]  # a portfolio, a day, a currency and an asset type


def add_steps(steps: Sequence[tuple[Kind, Sequence[int]]]) -> None:
    """Add (owned, owed) to the steps of each kind; a kind comes once."""
    lite = connection.vendor == "sqlite"
    params: list[Any] = []
    for (portfolio, on, currency, kind), (owned, owed) in steps:
        key = (portfolio.hex, on.isoformat(), currency, kind.hex) if lite else (portfolio, on, currency, kind)
        params += (*key, *halves(owned), *halves(owed))
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(steps))
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=marks), params)


_STEPS = """
    SELECT "on", currency{column}, SUM(owned_high), SUM(owned_low), SUM(owed_high), SUM(owed_low)
    FROM assets_dailystep WHERE portfolio_id IN (SELECT id FROM ({ids}) AS mine) AND "on" <= %s
    GROUP BY "on", currency{column}"""


def steps_until(
    portfolio_ids: Collection[UUID], end: date, *, by: str | None = None
) -> Iterator[tuple[date, str, UUID | None, int, int]]:
    """(day, currency, key, owned, owed) added up; `by` is a column of ids, or None for keys that are None."""
    days, known = _Days(), _Ids({None: None})
    column = f", {by}" if by else ""
    sql = _STEPS.format(column=column, ids=_IDS[connection.vendor])
    for on, currency, *key, own_high, own_low, owe_high, owe_low in fetched(
        sql, [_told_ids(portfolio_ids), end]
    ):
        named = known[key[0]] if key else None
        yield days[on], currency, named, whole(own_high, own_low), whole(owe_high, owe_low)
