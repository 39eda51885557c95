"""SQL that reads snapshots: all values of an asset between two days, the values around given snapshots, the values of
months, and the newest value of each asset on each day, added up by the database.

A subquery selects the columns that it is ordered by, and takes the first row instead of a MAX: only then does SQLite
use the indexes below the views of strata.audit.temporal_views, which replace the tables under known_at.
"""

from __future__ import annotations

import json
from array import array
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from assets.valuation.protocol import Month, Place, Values
from strata.db.params import (
    ASSET_DAYS,
    ASSETS,
    DAYS,
    HALF,
    IDS,
    Days,
    asset_day_params,
    day_params,
    fetch_long_rows,
    fetch_rows,
    ids_param,
    join_halves,
    parse_id,
    place_params,
)

# --- every value of each asset, in one row for each asset ---

_SINCE_THE_NEWEST = """SELECT s."on", s.value, s.observed_at FROM assets_assetsnapshot s
    WHERE s.asset_id = asset.id AND s."on" <= %s AND s."on" >= COALESCE((
        SELECT o."on" FROM assets_assetsnapshot o WHERE o.asset_id = asset.id AND o."on" <= %s
        ORDER BY o."on" DESC LIMIT 1
    ), %s) ORDER BY s."on", s.observed_at"""
_VALUES_IN_ONE_ROW = {
    "sqlite": f"""SELECT place, (SELECT group_concat("on") || ' ' || group_concat(value)
        FROM ({_SINCE_THE_NEWEST})) FROM asset""",  # noqa: S608 - constants only
    "postgresql": f"""SELECT place, (SELECT array_to_string(array_agg(to_char("on", 'YYYY-MM-DD')), ',') || ' ' ||
        array_to_string(array_agg(value), ',') FROM ({_SINCE_THE_NEWEST}) AS s) FROM asset""",  # noqa: S608 - constants only
}


def values_between(ids: Sequence[UUID], start: date, end: date) -> Iterator[Values]:
    """Each asset's newest value on or before `start`, and all later ones up to `end`; assets without are left out."""
    if not ids:
        return iter(())
    vendor = connection.vendor
    statement = f"WITH asset AS ({ASSETS[vendor]}) {_VALUES_IN_ONE_ROW[vendor]}"
    places = place_params([(pk, number, None) for number, pk in enumerate(ids)])
    return _parsed(ids, fetch_long_rows(statement, [*places, end, start, start]))


def _parsed(ids: Sequence[UUID], rows: Iterable[tuple[int, str | None]]) -> Iterator[Values]:
    """Many assets have values on exactly the same days: each list of days is parsed once."""
    known: dict[str, tuple[date, ...]] = {}
    for number, values_text in rows:
        if values_text is None:
            continue
        days_text, _, amounts = values_text.partition(" ")
        days = known.get(days_text)
        if days is None:
            days = known[days_text] = tuple(map(date.fromisoformat, days_text.split(",")))
        values = array("q", json.loads(f"[{amounts}]"))  # a fifth of the memory of a list
        if len(set(days)) < len(days):  # of several values of a day only the last counts
            last = dict(zip(days, values, strict=True))
            yield ids[number], tuple(last), array("q", last.values())
        else:
            yield ids[number], days, values


# --- the values around given snapshots ---

# The days are read from the index alone, then the last value of each by one lookup: a day may have thousands.
_AROUND = {
    vendor: f"""
    WITH given_id AS ({IDS[vendor]}),
    given AS (
        SELECT s.asset_id, s."on", s.observed_at, s.value,
            ROW_NUMBER() OVER (PARTITION BY s.asset_id, s."on" ORDER BY s.observed_at DESC) AS place
        FROM assets_assetsnapshot s WHERE s.id IN (SELECT id FROM given_id)
    ),
    touched AS (SELECT asset_id, MIN("on") AS first_on, MAX("on") AS last_on FROM given GROUP BY asset_id),
    day AS (
        SELECT DISTINCT s.asset_id, s."on" FROM touched t JOIN assets_assetsnapshot s ON s.asset_id = t.asset_id
        AND s."on" >= COALESCE((
            SELECT MAX(b."on") FROM assets_assetsnapshot b WHERE b.asset_id = t.asset_id AND b."on" < t.first_on
        ), t.first_on)
        AND s."on" <= COALESCE((
            SELECT MIN(l."on") FROM assets_assetsnapshot l WHERE l.asset_id = t.asset_id AND l."on" > t.last_on
        ), t.last_on)
    ),
    other AS (
        SELECT (
            SELECT o.id FROM assets_assetsnapshot o WHERE o.asset_id = day.asset_id AND o."on" = day."on"
            AND o.id NOT IN (SELECT id FROM given_id) ORDER BY o.observed_at DESC LIMIT 1
        ) AS id FROM day
    ),
    around AS (
        SELECT asset_id, "on", observed_at, value, TRUE AS is_given FROM given WHERE place = 1
        UNION ALL
        SELECT s.asset_id, s."on", s.observed_at, s.value, FALSE
        FROM other JOIN assets_assetsnapshot s ON s.id = other.id
    )
    SELECT a.id, a.portfolio_id, a.asset_type_id, a.currency, a.disposed_on, l."on", l.value, l.is_given
    FROM around l JOIN assets_asset a ON a.id = l.asset_id
    ORDER BY l.asset_id, l."on", l.observed_at"""  # noqa: S608 - constants only
    for vendor in IDS
}


def values_around(snapshot_ids: Collection[UUID]) -> Iterator[tuple[Any, ...]]:
    """(asset, portfolio, type, currency, disposed_on, on, value, whether it is a given snapshot), oldest first.

    For each asset of the given snapshots: from the last day with a value before the first of them to the first such day
    after the last. Of each day the last given snapshot, and the last other one. A day may have thousands.
    """
    days = Days()
    rows = fetch_rows(_AROUND[connection.vendor], [ids_param(snapshot_ids)])
    for asset, portfolio, asset_type, currency, disposed_on, on, value, is_given in rows:
        yield (
            parse_id(asset),
            parse_id(portfolio),
            parse_id(asset_type),
            currency,
            None if disposed_on is None else days[disposed_on],
            days[on],
            value,
            bool(is_given),
        )


# --- the values of months ---

# One lookup in the index for each day: a day may have thousands of values.
_ON_DAYS = {
    vendor: f"""
    WITH day AS ({ASSET_DAYS[vendor]}),
    valued AS (
        SELECT asset_id, on_day, (
            SELECT s.value FROM assets_assetsnapshot s
            WHERE s.asset_id = day.asset_id AND s."on" = day.on_day ORDER BY s.observed_at DESC LIMIT 1
        ) AS value FROM day
    )
    SELECT asset_id, on_day, value FROM valued WHERE value IS NOT NULL ORDER BY asset_id, on_day"""  # noqa: S608 - constants only
    for vendor in ASSET_DAYS
}


def values_of_months(months: Sequence[Month]) -> Iterator[tuple[UUID, date, int]]:
    """(asset, day, value) of each day in these months that has a value, in order; of a day the last value."""
    asset_days = [
        (asset, month.replace(day=day + 1))
        for asset, month in months
        for day in range(monthrange(month.year, month.month)[1])
    ]
    days = Days()
    for asset, on, value in fetch_rows(_ON_DAYS[connection.vendor], asset_day_params(asset_days)):
        yield parse_id(asset), days[on], value


# --- the newest value of each asset, added up ---

_GRID = {
    vendor: f"""
    WITH asset AS ({ASSETS[vendor]}), day AS ({DAYS[vendor]}),
    valued AS MATERIALIZED (
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
    FROM valued WHERE value IS NOT NULL GROUP BY number, place"""  # noqa: S608 - constants only
    for vendor in ASSETS
}


def sums_on(places: Sequence[Place], days: Sequence[date]) -> Iterator[tuple[date, int, int, int]]:
    """(day, place, owned, owed), if an asset of the place has a value on or before the day and is not disposed of."""
    for number, place, *split_halves in fetch_rows(
        _GRID[connection.vendor], [*place_params(places), *day_params(days)]
    ):
        yield days[number], place, join_halves(*split_halves[:2]), join_halves(*split_halves[2:])


_AMOUNTS_ON = {
    vendor: f"""
    WITH portfolio AS ({IDS[vendor]}),
    valued AS MATERIALIZED (
        SELECT a.portfolio_id, a.currency, (
            SELECT newest.value FROM (
                SELECT s.value, s."on", s.observed_at FROM assets_assetsnapshot s
                WHERE s.asset_id = a.id AND s."on" <= %s ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1
            ) newest
        ) AS value
        FROM portfolio JOIN assets_asset a ON a.portfolio_id = portfolio.id
        WHERE a.disposed_on IS NULL OR a.disposed_on > %s
    )
    SELECT portfolio_id, currency,
        CAST(SUM(value / {HALF}) AS BIGINT), CAST(SUM(value %% {HALF}) AS BIGINT)
    FROM valued WHERE value IS NOT NULL GROUP BY portfolio_id, currency"""  # noqa: S608 - constants only
    for vendor in IDS
}


def amounts_on(portfolio_ids: Collection[UUID], on: date) -> Iterator[tuple[UUID, str, int]]:
    """(portfolio, currency, amount): the newest values on the day of assets not disposed of, added up."""
    for portfolio, currency, *split_halves in fetch_rows(
        _AMOUNTS_ON[connection.vendor], [ids_param(portfolio_ids), on, on]
    ):
        yield parse_id(portfolio), currency, join_halves(*split_halves)
