"""The statements written by hand, for SQLite and PostgreSQL: read by way of models, a million values take minutes.

They know tables and columns, and nothing of what is made of them. Amounts are ten-thousandths, days are dates and
ids are UUIDs on both sides, whichever the database.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from assets.models.daily_step import ALL_TYPES

ROWS_AT_A_TIME, PACKED_AT_A_TIME = 2000, 100
HALF = 10**8  # amounts are added up in two halves, so that no sum of BIGINTs overflows
type Place = tuple[UUID, int, date | None]  # an asset, where it counts, and when it went
type Values = tuple[UUID, tuple[date, ...], array]  # an asset, its days, the last value of each

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
_CODES = {
    "sqlite": "SELECT value AS code FROM json_each(%s)",
    "postgresql": "SELECT unnest(%s::text[]) AS code",
}
_DAYS = {
    "sqlite": """SELECT key AS number, json_extract(value, '$[0]') AS eve, json_extract(value, '$[1]') AS on_day
        FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::int[], %s::date[], %s::date[]) AS day(number, eve, on_day)",
}


def fetched(sql: str, params: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        yield from _in_parts(cursor, sql, params, ROWS_AT_A_TIME)


def fetched_packed(sql: str, params: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """A few rows at a time, each of them long: PostgreSQL's client would take in all of them at once."""
    with connection.chunked_cursor() as cursor:
        yield from _in_parts(cursor, sql, params, PACKED_AT_A_TIME)


def _in_parts(cursor: Any, sql: str, params: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    cursor.execute(sql, params)
    while rows := cursor.fetchmany(size):
        yield from rows


def _told_id(pk: UUID) -> Any:
    return pk if connection.vendor == "postgresql" else pk.hex


def _told_ids(ids: Collection[UUID]) -> Any:
    return list(ids) if connection.vendor == "postgresql" else json.dumps([pk.hex for pk in ids])


def _told_places(rows: Sequence[Place]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return [json.dumps([(pk.hex, place, gone and gone.isoformat()) for pk, place, gone in rows])]


def _told_days(days: Sequence[date]) -> list[Any]:
    """Each day with the one before it in the row."""
    return _told_spans(list(zip([date.min, *days[:-1]], days, strict=True)))


def _told_spans(spans: Sequence[tuple[date, date]]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(range(len(spans))), [since for since, _ in spans], [until for _, until in spans]]
    return [json.dumps([(since.isoformat(), until.isoformat()) for since, until in spans])]


class _Days(dict[Any, date]):
    """Days by how the database writes them: a million values have few of them."""

    def __missing__(self, text: Any) -> date:
        self[text] = found = text if isinstance(text, date) else date.fromisoformat(text)
        return found


@lru_cache(maxsize=1024)
def _id(stored: str | UUID) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(stored)


def whole(high: int, low: int) -> int:
    """An amount from its two halves."""
    return high * HALF + low


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
            SELECT newest.value FROM (
                SELECT s.value, s."on", s.observed_at FROM assets_assetsnapshot s
                WHERE s.asset_id = asset.id AND s."on" <= day.on_day ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1
            ) newest
        ) AS value
        FROM asset CROSS JOIN day WHERE asset.gone IS NULL OR asset.gone > day.on_day
    )
    SELECT number, place,
        CAST(COALESCE(SUM(CASE WHEN value > 0 THEN value / {HALF} END), 0) AS BIGINT),
        CAST(COALESCE(SUM(CASE WHEN value > 0 THEN value %% {HALF} END), 0) AS BIGINT),
        CAST(COALESCE(SUM(CASE WHEN value < 0 THEN value / {HALF} END), 0) AS BIGINT),
        CAST(COALESCE(SUM(CASE WHEN value < 0 THEN value %% {HALF} END), 0) AS BIGINT)
    FROM worth WHERE value IS NOT NULL GROUP BY number, place"""  # noqa: S608 - made of our own words
    for vendor in _ASSETS
}


def sums_on(places: Sequence[Place], days: Sequence[date]) -> Iterator[tuple[date, int, int, int]]:
    """(day, place, owned, owed) where an asset of the place has a value on or before the day, and is not gone."""
    for number, place, *amounts in fetched(
        _GRID[connection.vendor], [*_told_places(places), *_told_days(days)]
    ):
        yield days[number], place, whole(*amounts[:2]), whole(*amounts[2:])


_AMOUNTS_ON = {
    vendor: f"""
    WITH mine AS ({_IDS[vendor]}),
    worth AS MATERIALIZED (
        SELECT a.portfolio_id, a.currency, (
            SELECT newest.value FROM (
                SELECT s.value, s."on", s.observed_at FROM assets_assetsnapshot s
                WHERE s.asset_id = a.id AND s."on" <= %s ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1
            ) newest
        ) AS value
        FROM mine JOIN assets_asset a ON a.portfolio_id = mine.id
        WHERE a.disposed_on IS NULL OR a.disposed_on > %s
    )
    SELECT portfolio_id, currency,
        CAST(SUM(value / {HALF}) AS BIGINT), CAST(SUM(value %% {HALF}) AS BIGINT)
    FROM worth WHERE value IS NOT NULL GROUP BY portfolio_id, currency"""  # noqa: S608 - made of our own words
    for vendor in _IDS
}


def amounts_on(portfolio_ids: Collection[UUID], on: date) -> Iterator[tuple[UUID, str, int]]:
    """(portfolio, currency, amount): the newest values of what is held on the day, added up."""
    for portfolio, currency, *both in fetched(
        _AMOUNTS_ON[connection.vendor], [_told_ids(portfolio_ids), on, on]
    ):
        yield _id(portfolio), currency, whole(*both)


# What orders a subquery is selected in it, and no MAX stands where the first in order does: where the tables are
# covered by the views of strata.shadows, SQLite looks through these by their indexes only then.

# --- every value of each asset, packed: a row for each asset ---

_SOURCE = """SELECT s."on", s.value, s.observed_at FROM assets_assetsnapshot s WHERE s.asset_id = asset.id AND {wanted}
    ORDER BY s."on", s.observed_at"""
_DAYS_OF_ASSET = 'SELECT o."on" FROM assets_assetsnapshot o WHERE o.asset_id = asset.id AND'
_LAST_FIRST = 'ORDER BY o."on" DESC LIMIT 1'
_SINCE_THE_NEWEST = f"""s."on" <= %s AND s."on" >= COALESCE((
        {_DAYS_OF_ASSET} o."on" <= %s {_LAST_FIRST}
    ), %s)"""
_PACKED = {
    "sqlite": """SELECT place, (SELECT group_concat("on") || ' ' || group_concat(value) FROM ({source})) FROM asset""",
    "postgresql": """SELECT place, (SELECT array_to_string(array_agg("on"), ',') || ' ' ||
        array_to_string(array_agg(value), ',') FROM ({source}) AS s) FROM asset""",
}


def values_between(ids: Sequence[UUID], start: date, end: date) -> Iterator[Values]:
    """Each asset's values, from the newest up to `start` on, until `end`; those that have none are left out."""
    if not ids:
        return iter(())
    vendor = connection.vendor
    source = _SOURCE.format(wanted=_SINCE_THE_NEWEST)
    statement = f"WITH asset AS ({_ASSETS[vendor]}) {_PACKED[vendor].format(source=source)}"
    places = _told_places([(pk, number, None) for number, pk in enumerate(ids)])
    return _unpacked(ids, fetched_packed(statement, [*places, end, start, start]))


def _unpacked(ids: Sequence[UUID], rows: Iterable[tuple[int, str | None]]) -> Iterator[Values]:
    """Many assets have values on the very same days: each row of days is read once."""
    known: dict[str, tuple[date, ...]] = {}
    for number, packed in rows:
        if packed is None:
            continue
        text, _, amounts = packed.partition(" ")
        days = known.get(text)
        if days is None:
            days = known[text] = tuple(map(date.fromisoformat, text.split(",")))
        values = array("q", json.loads(f"[{amounts}]"))  # a fifth of the memory of a list
        if len(set(days)) < len(days):  # of several values of a day the last one stands
            last = dict(zip(days, values, strict=True))
            yield ids[number], tuple(last), array("q", last.values())
        else:
            yield ids[number], days, values


# --- each asset's values at the ends of a window ---


_FIRST_DAY = f'{_DAYS_OF_ASSET} o."on" <= %s ORDER BY o."on" LIMIT 1'


def _newest(wanted: str) -> str:
    """The last day of such, and its value."""
    return f"""(SELECT newest."on" || ' ' || newest.value FROM (
            SELECT s.value, s."on", s.observed_at FROM assets_assetsnapshot s
            WHERE s.asset_id = asset.id AND {wanted} ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1
        ) newest)"""  # noqa: S608 - made of our own words


_ENDS = {
    vendor: f"""
    WITH asset AS ({_ASSETS[vendor]}),
    valued AS MATERIALIZED (
        SELECT id, place, gone, {_newest('s."on" <= %s')} AS opening, {_newest('s."on" <= %s')} AS closing FROM asset
    )
    SELECT place, opening,
        CASE WHEN opening IS NULL THEN {_newest(f's."on" = ({_FIRST_DAY})')} END,
        CASE WHEN gone <= %s THEN {_newest('s."on" < asset.gone')} END,
        closing
    FROM valued AS asset WHERE closing IS NOT NULL"""  # noqa: S608 - made of our own words
    for vendor in _ASSETS
}


def values_at_the_ends(
    assets: Sequence[tuple[UUID, date | None]], start: date, end: date
) -> Iterator[Values]:
    """Of values_between those on `start` and `end`, the last before the asset went, and the first, if it is later."""
    if not assets:
        return
    places = _told_places([(pk, number, gone) for number, (pk, gone) in enumerate(assets)])
    days = _Days()
    for number, *ends in fetched(_ENDS[connection.vendor], [*places, start, end, end, end]):
        told = [end.split(" ") for end in ends if end is not None]
        values = {days[on]: int(value) for on, value in told}
        yield assets[number][0], tuple(values), array("q", values.values())


# --- the values around some snapshots ---

_AROUND = {
    vendor: f"""
    WITH mine AS ({_IDS[vendor]}),
    touched AS (
        SELECT s.asset_id, MIN(s."on") AS first_on, MAX(s."on") AS last_on FROM assets_assetsnapshot s
        WHERE s.id IN (SELECT id FROM mine) GROUP BY s.asset_id
    ),
    around AS (
        SELECT s.asset_id, s."on", s.observed_at, s.value, s.id IN (SELECT id FROM mine) AS its
        FROM touched t JOIN assets_assetsnapshot s ON s.asset_id = t.asset_id
        AND s."on" >= COALESCE((
            SELECT MAX(b."on") FROM assets_assetsnapshot b WHERE b.asset_id = t.asset_id AND b."on" < t.first_on
        ), t.first_on)
        AND s."on" <= COALESCE((
            SELECT MIN(l."on") FROM assets_assetsnapshot l WHERE l.asset_id = t.asset_id AND l."on" > t.last_on
        ), t.last_on)
    ),
    last AS (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY asset_id, "on", its ORDER BY observed_at DESC) AS place FROM around
    )
    SELECT a.id, a.portfolio_id, a.asset_type_id, a.currency, a.disposed_on, l."on", l.value, l.its
    FROM last l JOIN assets_asset a ON a.id = l.asset_id
    WHERE l.place = 1 ORDER BY l.asset_id, l."on", l.observed_at"""  # noqa: S608 - made of our own words
    for vendor in _IDS
}


def values_around(snapshot_ids: Collection[UUID]) -> Iterator[tuple[Any, ...]]:
    """(asset, portfolio, type, currency, disposed_on, on, value, whether it is one of these), in order of time.

    For each asset of the snapshots from the last day before the first of them to the first day after the last: of
    each day the last of these values, and the last of the others. A day may have thousands.
    """
    days = _Days({None: None})
    rows = fetched(_AROUND[connection.vendor], [_told_ids(snapshot_ids)])
    for asset, portfolio, kind, currency, gone, on, value, its in rows:
        yield _id(asset), _id(portfolio), _id(kind), currency, days[gone], days[on], value, bool(its)


# --- the table of daily steps ---

_ADD = """
    INSERT INTO assets_dailystep
        (portfolio_id, currency, asset_type_id, "on", owned_high, owned_low, owed_high, owed_low) VALUES {rows}
    ON CONFLICT (portfolio_id, "on", currency, asset_type_id) DO UPDATE SET
        owned_high = assets_dailystep.owned_high + excluded.owned_high,
        owned_low = assets_dailystep.owned_low + excluded.owned_low,
        owed_high = assets_dailystep.owed_high + excluded.owed_high,
        owed_low = assets_dailystep.owed_low + excluded.owed_low"""
type Kind = tuple[UUID, str, UUID]  # a portfolio, a currency and an asset type


def add_steps(steps: Sequence[tuple[UUID, str, UUID, date, int, int]]) -> None:
    """Add (the three of a kind, day, owned, owed) to the table; a kind's day comes once."""
    lite = connection.vendor == "sqlite"
    params: list[Any] = []
    for portfolio, currency, kind, on, owned, owed in steps:
        key = (portfolio.hex, currency, kind.hex, on.isoformat()) if lite else (portfolio, currency, kind, on)
        params += (*key, *halves(owned), *halves(owed))
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(steps))
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=marks), params)


_AMOUNTS = ", ".join(
    f"CAST(SUM(s.{name}) AS BIGINT)" for name in ("owned_high", "owned_low", "owed_high", "owed_low")
)


def steps_by_day(
    portfolio_ids: Collection[UUID], end: date, *, by: str | None = None
) -> Iterator[tuple[date, str, UUID | None, int, int]]:
    """(day, currency, key, owned, owed) of each day up to `end`; `by` is a column of ids, or None for no keys."""
    group = f's."on", s.currency{f", s.{by}" if by else ""}'
    one = len(portfolio_ids) == 1  # then the index has them in order: nothing to sort
    statement = f"""
        SELECT {group}, {_AMOUNTS} FROM assets_dailystep s
        WHERE s.portfolio_id {"=" if one else "IN"} ({_IDS[connection.vendor]}) AND s."on" <= %s
        AND s.asset_type_id {"<>" if by == "asset_type_id" else "="} %s
        GROUP BY {group}"""  # noqa: S608 - made of our own words
    days = _Days()
    for on, *step in fetched(statement, [_told_ids(portfolio_ids), end, _told_id(ALL_TYPES)]):
        yield days[on], *_step(*step)


# Period by period in the index: left to itself, PostgreSQL compares every step with every period.
_PERIODS = {
    "sqlite": """JOIN assets_dailystep s ON s.portfolio_id = mine.id AND s."on" > day.eve AND s."on" <= day.on_day""",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT * FROM assets_dailystep d
        WHERE d.portfolio_id = mine.id AND d."on" > day.eve AND d."on" <= day.on_day OFFSET 0
    ) AS s""",
}


def steps_by_period(
    portfolio_ids: Collection[UUID], days: Sequence[date], *, by: str | None = None
) -> Iterator[tuple[date, str, UUID | None, int, int]]:
    """The same for each of `days`, with those since the day before it in the row added up."""
    vendor = connection.vendor
    group = f"day.number, s.currency{f', s.{by}' if by else ''}"
    statement = f"""
        WITH mine AS ({_IDS[vendor]}), day AS ({_DAYS[vendor]})
        SELECT {group}, {_AMOUNTS} FROM day CROSS JOIN mine {_PERIODS[vendor]}
        WHERE s.asset_type_id {"<>" if by == "asset_type_id" else "="} %s
        GROUP BY {group}"""  # noqa: S608 - made of our own words
    params = [_told_ids(portfolio_ids), *_told_days(days), _told_id(ALL_TYPES)]
    for number, *step in fetched(statement, params):
        yield days[number], *_step(*step)


def _step(currency: str, *rest: Any) -> tuple[str, UUID | None, int, int]:
    *key, own_high, own_low, owe_high, owe_low = rest
    named = _id(key[0]) if key else None
    return currency, named, whole(own_high, own_low), whole(owe_high, owe_low)


# --- the rates of some currencies in some spans of days ---

# Span by span in the index: left to itself, PostgreSQL compares every rate with every span.
_RATES_OF_A_SPAN = {
    "sqlite": """CROSS JOIN assets_exchangerate r
        WHERE r.currency = wanted.code AND r."on" >= span.eve AND r."on" <= span.on_day""",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT * FROM assets_exchangerate e
        WHERE e.currency = wanted.code AND e."on" >= span.eve AND e."on" <= span.on_day OFFSET 0
    ) AS r""",
}
_RATES = {
    vendor: f"""
    WITH wanted AS ({_CODES[vendor]}), span AS ({_DAYS[vendor]})
    SELECT r.currency, r."on", CAST(r.units_per_euro AS TEXT), r.source
    FROM wanted CROSS JOIN span {_RATES_OF_A_SPAN[vendor]}
    ORDER BY r.currency, r."on", r.recorded_at, r.id"""  # noqa: S608 - made of our own words
    for vendor in _CODES
}


def rates_in(
    currencies: Collection[str], spans: Sequence[tuple[date, date]]
) -> Iterator[tuple[str, date, str, str]]:
    """(currency, day, units per euro as they are stored, source); of one day what was recorded later comes later."""
    codes = list(currencies) if connection.vendor == "postgresql" else json.dumps(list(currencies))
    days = _Days()
    for currency, on, units, source in fetched(_RATES[connection.vendor], [codes, *_told_spans(spans)]):
        yield currency, days[on], units, source
