"""The newest value of each asset on each day, added up by the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from uuid import UUID

from django.db import connection

from assets.sql.parts import (
    ASSETS,
    DAYS,
    HALF,
    IDS,
    Place,
    an_id,
    fetched,
    told_days,
    told_ids,
    told_places,
    whole,
)

_GRID = {
    vendor: f"""
    WITH asset AS ({ASSETS[vendor]}), day AS ({DAYS[vendor]}),
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
    for vendor in ASSETS
}


def sums_on(places: Sequence[Place], days: Sequence[date]) -> Iterator[tuple[date, int, int, int]]:
    """(day, place, owned, owed) where an asset of the place has a value on or before the day, and is not gone."""
    for number, place, *amounts in fetched(
        _GRID[connection.vendor], [*told_places(places), *told_days(days)]
    ):
        yield days[number], place, whole(*amounts[:2]), whole(*amounts[2:])


_AMOUNTS_ON = {
    vendor: f"""
    WITH mine AS ({IDS[vendor]}),
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
    for vendor in IDS
}


def amounts_on(portfolio_ids: Collection[UUID], on: date) -> Iterator[tuple[UUID, str, int]]:
    """(portfolio, currency, amount): the newest values of what is held on the day, added up."""
    for portfolio, currency, *both in fetched(
        _AMOUNTS_ON[connection.vendor], [told_ids(portfolio_ids), on, on]
    ):
        yield an_id(portfolio), currency, whole(*both)
