"""SQL that adds to the table of daily deltas, and adds up its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from assets.models.daily_delta import ALL_TYPES
from assets.valuation import registry
from strata.audit import clock
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
type DeltaRow = tuple[date, str, UUID | None, int, int]  # day, currency, key, owned, owed
type DeltaKey = tuple[UUID, str, UUID]  # a portfolio, a currency and an asset type (or ALL_TYPES)


def add_deltas(deltas: Sequence[tuple[UUID, str, UUID, date, int, int]]) -> None:
    """Add rows (portfolio, currency, type, day, owned, owed) to the table; each key and day occurs once."""
    lite = connection.vendor == "sqlite"
    params: list[Any] = []
    for portfolio, currency, asset_type, on, owned, owed in deltas:
        if lite:
            params += (portfolio.hex, currency, asset_type.hex, on.isoformat())
        else:
            params += (portfolio, currency, asset_type, on)
        params += (*split_halves(owned), *split_halves(owed))
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(deltas))
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=marks), params)


_HALVES = ("owned_high", "owned_low", "owed_high", "owed_low")
_AMOUNTS = ", ".join(f"s.{name}" for name in _HALVES)
_SUMS = ", ".join(f"CAST(SUM(s.{name}) AS BIGINT)" for name in _HALVES)


# A last row, without an amount, where the portfolios have assets of which the table knows nothing. The condition begins
# as that of the index asset_not_valued_by_hand.
_OTHERS = """
    UNION ALL SELECT {columns} WHERE EXISTS (
        SELECT 1 FROM assets_asset a WHERE a.portfolio_id IN ({ids}) AND NOT (a.valuation = '{manual}')
        AND a.valuation NOT IN ({stored})
    )"""
_ANY_DAY = {"sqlite": "'2000-01-01'", "postgresql": "DATE '2000-01-01'"}
_NO_KEY = {"sqlite": ", NULL", "postgresql": ", NULL::uuid"}
OTHERS = ""  # in place of a currency


def _others(any_day: str, key: str) -> str:
    """The row, for a query with a key or without one. Its parameter is that of IDS."""
    vendor = connection.vendor
    columns = f"{any_day}, '{OTHERS}'{_NO_KEY[vendor] if key else ''}, 0, 0, 0, 0"
    stored = ", ".join(f"'{name}'" for name in registry.stored_names())
    return _OTHERS.format(columns=columns, manual=registry.MANUAL, ids=IDS[vendor], stored=stored)


def _condition(key_column: str | None) -> str:
    """Selects the rows of single types, or the rows that are sums over all types."""
    return f"s.asset_type_id {'<>' if key_column == 'asset_type_id' else '='} %s"


def deltas_by_day(
    portfolio_ids: Collection[UUID], end: date, *, key_column: str | None = None
) -> Iterator[DeltaRow]:
    """(day, currency, key, owned, owed) of each day up to `end`. `key_column` is a column of ids; None for no keys.

    A row with the currency OTHERS says that the portfolios have assets of which the table knows nothing. The deltas of
    several portfolios are added up; those of a single portfolio are returned as stored.
    """
    clock.require_present()
    key = f", s.{key_column}" if key_column else ""
    is_single = len(portfolio_ids) == 1
    portfolios = f"{'=' if is_single else 'IN'} ({IDS[connection.vendor]})"
    statement = f"""
        SELECT {DAY[connection.vendor].format('s."on"')}, s.currency{key}, {_AMOUNTS if is_single else _SUMS}
        FROM assets_dailystep s
        WHERE s.portfolio_id {portfolios} AND s."on" <= %s AND {_condition(key_column)}
        {"" if is_single else f'GROUP BY s."on", s.currency{key}'}
        {_others(_ANY_DAY[connection.vendor], key)}"""  # noqa: S608 - constants only
    days, ids = Days(), ids_param(portfolio_ids)
    rows = fetch_rows(statement, [ids, end, id_param(ALL_TYPES), ids])
    return ((days[on], *_parsed(*delta)) for on, *delta in rows)


# Looks up each period in the index: without OFFSET 0 PostgreSQL compares every delta with every period.
_IN_PERIOD = 's.portfolio_id = portfolio.id AND s."on" > day.eve AND s."on" <= day.on_day AND {condition}'
_PERIODS = {
    "sqlite": f"CROSS JOIN assets_dailystep s WHERE {_IN_PERIOD}",
    "postgresql": f"""CROSS JOIN LATERAL (
        SELECT s.* FROM assets_dailystep s WHERE {_IN_PERIOD} OFFSET 0
    ) AS s""",  # noqa: S608 - constants only
}


def deltas_by_period(
    portfolio_ids: Collection[UUID], days: Sequence[date], *, key_column: str | None = None
) -> Iterator[DeltaRow]:
    """The same for each of `days`: the deltas since the day before it in the list, added up."""
    clock.require_present()
    vendor = connection.vendor
    group = f"day.number, s.currency{f', s.{key_column}' if key_column else ''}"
    statement = f"""
        WITH portfolio AS ({IDS[vendor]}), day AS ({DAYS[vendor]})
        SELECT {group}, {_SUMS} FROM day CROSS JOIN portfolio
        {_PERIODS[vendor].format(condition=_condition(key_column))}
        GROUP BY {group}
        {_others("0", key_column or "")}"""  # noqa: S608 - constants only
    ids = ids_param(portfolio_ids)
    params = [ids, *day_params(days), id_param(ALL_TYPES), ids]
    return ((days[number], *_parsed(*delta)) for number, *delta in fetch_rows(statement, params))


def _parsed(currency: str, *rest: Any) -> tuple[str, UUID | None, int, int]:
    *key, own_high, own_low, owe_high, owe_low = rest
    key_id = parse_id(key[0]) if key and key[0] else None
    return currency, key_id, join_halves(own_high, own_low), join_halves(owe_high, owe_low)
