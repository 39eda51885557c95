"""The table of daily steps: added to, and added up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from assets.models.daily_delta import ALL_TYPES
from strata.db.params import (
    DAY,
    DAYS,
    IDS,
    Days,
    day_params,
    fetch_rows,
    id_param,
    ids_param,
    join_halves,
    parse_id,
    split_halves,
)

_ADD = """
    INSERT INTO assets_dailystep
        (portfolio_id, currency, asset_type_id, "on", owned_high, owned_low, owed_high, owed_low) VALUES {rows}
    ON CONFLICT (portfolio_id, "on", currency, asset_type_id) DO UPDATE SET
        owned_high = assets_dailystep.owned_high + excluded.owned_high,
        owned_low = assets_dailystep.owned_low + excluded.owned_low,
        owed_high = assets_dailystep.owed_high + excluded.owed_high,
        owed_low = assets_dailystep.owed_low + excluded.owed_low"""
type DeltaKey = tuple[UUID, str, UUID]  # a portfolio, a currency and an asset type


def add_deltas(steps: Sequence[tuple[UUID, str, UUID, date, int, int]]) -> None:
    """Add (the three of a kind, day, owned, owed) to the table; a kind's day comes once."""
    lite = connection.vendor == "sqlite"
    params: list[Any] = []
    for portfolio, currency, kind, on, owned, owed in steps:
        key = (portfolio.hex, currency, kind.hex, on.isoformat()) if lite else (portfolio, currency, kind, on)
        params += (*key, *split_halves(owned), *split_halves(owed))
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(steps))
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=marks), params)


_HALVES = ("owned_high", "owned_low", "owed_high", "owed_low")
_AMOUNTS = ", ".join(f"s.{name}" for name in _HALVES)
_SUMS = ", ".join(f"CAST(SUM(s.{name}) AS BIGINT)" for name in _HALVES)


def _wanted(by: str | None) -> str:
    """Which rows: of each type, or those of all types."""
    return f"s.asset_type_id {'<>' if by == 'asset_type_id' else '='} %s"


def deltas_by_day(
    portfolio_ids: Collection[UUID], end: date, *, by: str | None = None
) -> Iterator[tuple[date, str, UUID | None, int, int]]:
    """(day, currency, key, owned, owed) of each day up to `end`; `by` is a column of ids, or None for no keys.

    Of several portfolios the steps are added up first, of one they come as they are.
    """
    key = f", s.{by}" if by else ""
    one = len(portfolio_ids) == 1
    statement = f"""
        SELECT {DAY[connection.vendor].format('s."on"')}, s.currency{key}, {_AMOUNTS if one else _SUMS}
        FROM assets_dailystep s
        WHERE s.portfolio_id {"=" if one else "IN"} ({IDS[connection.vendor]}) AND s."on" <= %s AND {_wanted(by)}
        {"" if one else f'GROUP BY s."on", s.currency{key}'}"""  # noqa: S608 - made of our own words
    days = Days()
    for on, *step in fetch_rows(statement, [ids_param(portfolio_ids), end, id_param(ALL_TYPES)]):
        yield days[on], *_step(*step)


# Period by period in the index: left to itself, PostgreSQL compares every step with every period.
_IN_ITS_PERIOD = 's.portfolio_id = mine.id AND s."on" > day.eve AND s."on" <= day.on_day AND {wanted}'
_PERIODS = {
    "sqlite": f"CROSS JOIN assets_dailystep s WHERE {_IN_ITS_PERIOD}",
    "postgresql": f"""CROSS JOIN LATERAL (
        SELECT s.* FROM assets_dailystep s WHERE {_IN_ITS_PERIOD} OFFSET 0
    ) AS s""",  # noqa: S608 - made of our own words
}


def deltas_by_period(
    portfolio_ids: Collection[UUID], days: Sequence[date], *, by: str | None = None
) -> Iterator[tuple[date, str, UUID | None, int, int]]:
    """The same for each of `days`, with those since the day before it in the row added up."""
    vendor = connection.vendor
    group = f"day.number, s.currency{f', s.{by}' if by else ''}"
    statement = f"""
        WITH mine AS ({IDS[vendor]}), day AS ({DAYS[vendor]})
        SELECT {group}, {_SUMS} FROM day CROSS JOIN mine {_PERIODS[vendor].format(wanted=_wanted(by))}
        GROUP BY {group}"""  # noqa: S608 - made of our own words
    params = [ids_param(portfolio_ids), *day_params(days), id_param(ALL_TYPES)]
    for number, *step in fetch_rows(statement, params):
        yield days[number], *_step(*step)


def _step(currency: str, *rest: Any) -> tuple[str, UUID | None, int, int]:
    *key, own_high, own_low, owe_high, owe_low = rest
    named = parse_id(key[0]) if key else None
    return currency, named, join_halves(own_high, own_low), join_halves(owe_high, owe_low)
