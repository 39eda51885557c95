"""SQL that looks up the newest value of each asset on each day, and adds these up: for assets that are valued by hand.

A subquery selects the columns that it is ordered by, and takes the first row instead of a MAX: only then does SQLite
use the indexes below the views of strata.audit.past.temporal_views, which replace the tables under known_at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from assets.valuation import registry
from assets.valuation.protocol import Place
from strata.db.params import (
    ASSETS,
    DAYS,
    HALF,
    IDS,
    dated_amount_params,
    day_params,
    fetch_rows,
    ids_param,
    join_halves,
    parse_id,
    place_params,
)

BY_HAND = f"a.valuation = '{registry.MANUAL}' AND a.shares = ''"
type Point = tuple[UUID, date, int]  # an asset, a day, an amount

# Of one asset: {0} is its id, {1} a day. Without the value SQLite reads the index alone.
_NEWEST = """FROM ({points}) p
    WHERE p.asset_id = {0} AND p."on" <= {1} ORDER BY p."on" DESC, p.instant DESC LIMIT 1"""
NEWEST_VALUE = f'(SELECT newest.value FROM (SELECT p.value, p."on", p.instant {_NEWEST}) newest)'  # noqa: S608 - constants only
NEWEST_DAY = f'(SELECT newest."on" FROM (SELECT p."on", p.instant {_NEWEST}) newest)'  # noqa: S608 - constants only
FIRST_DAY = "{first_day}"
_GIVEN = {
    "sqlite": """SELECT json_extract(given.value, '$[0]') AS asset_id, json_extract(given.value, '$[1]') AS "on",
        NULL AS instant, json_extract(given.value, '$[2]') AS value FROM json_each(%s) AS given""",
    "postgresql": """SELECT asset_id, "on", NULL::timestamptz AS instant, value
        FROM unnest(%s::uuid[], %s::date[], %s::bigint[]) AS given(asset_id, "on", value)""",
}


def given_points(given: Collection[Point]) -> tuple[str, list[Any]]:
    """A SELECT of these points, as of registry.points(), and its parameters."""
    return _GIVEN[connection.vendor], dated_amount_params(given)


_GRID = {
    vendor: f"""
    WITH asset AS ({ASSETS[vendor]}), day AS ({DAYS[vendor]}),
    valued AS MATERIALIZED (
        SELECT day.number, asset.place, (
            SELECT newest.value FROM (
                SELECT p.value, p."on", p.instant FROM ({{points}}) p
                WHERE p.asset_id = asset.id AND p."on" <= day.on_day ORDER BY p."on" DESC, p.instant DESC LIMIT 1
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
    statement = _GRID[connection.vendor].format(points=registry.points())
    for number, place, *split_halves in fetch_rows(statement, [*place_params(places), *day_params(days)]):
        yield days[number], place, join_halves(*split_halves[:2]), join_halves(*split_halves[2:])


# An asset that is not valued by hand gives no amount, but says that it is there.
_AMOUNTS_ON = {
    vendor: f"""
    WITH portfolio AS ({IDS[vendor]}),
    valued AS MATERIALIZED (
        SELECT a.portfolio_id, a.currency, NOT ({BY_HAND}) AS is_other,
        CASE WHEN {BY_HAND} THEN (
            SELECT newest.value FROM (
                SELECT p.value, p."on", p.instant FROM ({{points}}) p
                WHERE p.asset_id = a.id AND p."on" <= %s ORDER BY p."on" DESC, p.instant DESC LIMIT 1
            ) newest
        ) END AS value
        FROM portfolio JOIN assets_asset a ON a.portfolio_id = portfolio.id
        WHERE (a.disposed_on IS NULL OR a.disposed_on > %s){{counts}}
    )
    SELECT portfolio_id, currency, is_other,
        CAST(SUM(value / {HALF}) AS BIGINT), CAST(SUM(value %% {HALF}) AS BIGINT)
    FROM valued WHERE value IS NOT NULL OR is_other GROUP BY portfolio_id, currency, is_other"""  # noqa: S608 - constants only
    for vendor in IDS
}


def amounts_on(
    portfolio_ids: Collection[UUID], on: date, *, include_all: bool = False
) -> Iterator[tuple[UUID, str, int | None]]:
    """(portfolio, currency, amount): the newest values on the day of assets not disposed of, added up.

    Those of the assets that are valued by hand; where a portfolio has others there is a row with an amount of None.
    Those that do not count in net worth are left out, unless `include_all`.
    """
    counts = "" if include_all else " AND a.counts_in_net_worth"
    statement = _AMOUNTS_ON[connection.vendor].format(points=registry.points(), counts=counts)
    for portfolio, currency, is_other, *split_halves in fetch_rows(
        statement, [ids_param(portfolio_ids), on, on]
    ):
        yield parse_id(portfolio), currency, None if is_other else join_halves(*split_halves)
