"""SQL that reads the table of monthly deltas for reports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from assets.models.derived.monthly_deltas import ALL_TYPES
from assets.valuation import registry
from assets.valuation.codecs.deltas import decode_numbers, offsets
from assets.valuation.sql.forgotten import OF_PORTFOLIOS, Forgotten
from assets.valuation.totals.delta_totals import MonthOfDeltas, months_by_day
from strata.audit import clock
from strata.db.params import (
    DAY,
    IDS,
    Days,
    dates_param,
    fetch_rows,
    id_param,
    ids_param,
    join_halves,
    parse_id,
)

_HALVES = ("owned_high", "owned_low", "owed_high", "owed_low")
_SUMS = ", ".join(f"CAST(SUM(s.{name}) AS BIGINT)" for name in _HALVES)
_MONTHS = {
    "sqlite": "SELECT value FROM json_each(%s)",
    "postgresql": "SELECT unnest(%s::date[])",
}
# Rows before the first day of a report are one row: their sums are its opening.
_NO_DAYS = {
    "sqlite": "0, x'', x''",
    "postgresql": "0, ''::bytea, ''::bytea",
}
_NO_MONTH = {"sqlite": "'0001-01-01'", "postgresql": "DATE '0001-01-01'"}
_DAYS_IF_NEEDED = ", ".join(
    f"CASE WHEN s.month IN (SELECT month FROM by_day) THEN s.{name} END"  # noqa: S608 - constants only
    for name in ("days", "owned", "owed")
)


# A last row, without an amount, where the portfolios have assets of which the table knows nothing. The condition begins
# as that of the index asset_not_valued_by_hand.
_OTHERS = """
    UNION ALL SELECT {columns} WHERE EXISTS (
        SELECT 1 FROM assets_asset a WHERE a.portfolio_id IN ({ids})
        AND NOT (a.shares = '' AND a.valuation = '{manual}')
        AND NOT (a.shares = '' AND a.valuation IN ({stored}))
    )"""
OTHERS = ""  # in place of a currency


def _others(columns: str) -> str:
    """The row, with these columns. Its parameter is that of IDS."""
    stored = ", ".join(f"'{name}'" for name in registry.stored_names())
    return _OTHERS.format(columns=columns, manual=registry.MANUAL, ids=IDS[connection.vendor], stored=stored)


# The same for a report of some days: how many of these assets there are, and how many gaps the others have on these
# days. Computed assets have no rows in the table of gaps. Without any such asset there is no row.
_COUNTS = """
    UNION ALL SELECT {columns} FROM assets_asset a LEFT JOIN assets_valuegap g ON g.asset_id = a.id
        AND g.start_on <= %s AND (g.end_on IS NULL OR g.end_on > %s) AND a.counts_in_net_worth
        AND (a.disposed_on IS NULL OR a.disposed_on > g.start_on)
    WHERE a.portfolio_id IN ({ids}) AND NOT (a.shares = '' AND a.valuation = '{manual}') HAVING COUNT(*) > 0"""
_OTHERS_COUNTED = "COUNT(CASE WHEN NOT (a.shares = '' AND a.valuation IN ({stored})) THEN 1 END)"


def _counts() -> str:
    """The row; its parameters are the last day, the first day, and that of IDS."""
    stored = ", ".join(f"'{name}'" for name in registry.stored_names())
    others, vendor = _OTHERS_COUNTED.format(stored=stored), connection.vendor
    columns = f"'{OTHERS}', NULL, {_NO_MONTH[vendor]}, 0, {others}, 0, COUNT(g.start_on), NULL, NULL, NULL"
    return _COUNTS.format(columns=columns, manual=registry.MANUAL, ids=IDS[vendor])


FORGOTTEN = "?"  # in place of a currency


def _forgotten(columns: str) -> str:
    """A row with these columns, where the table was emptied. Its parameter is that of IDS."""
    return OF_PORTFOLIOS.format(columns=columns, ids=IDS[connection.vendor])


def _of_types(key_column: str | None) -> str:
    """Selects the rows of single types, or the rows that are sums over all types."""
    return f"s.asset_type_id {'>' if key_column == 'asset_type_id' else '='} %s"


def months_of_deltas(
    portfolio_ids: Collection[UUID], days: Sequence[date], *, key_column: str | None = None
) -> Iterator[tuple[str, UUID | None, MonthOfDeltas]]:
    """(currency, key, month) of what running_totals needs for these days. `key_column` is a column of ids; None for no
    keys. The same month may come once for each portfolio. A row with the currency OTHERS comes where the portfolios
    have assets that are not valued by hand: its owned_sum is the number of those of which the table knows nothing, and
    its owed_sum the number of gaps of the others on these days. Raises Forgotten.
    """
    clock.require_present()
    vendor = connection.vendor
    key = f"s.{key_column}" if key_column else "NULL"
    group = f"s.currency{f', {key}' if key_column else ''}"
    source = f"""FROM assets_monthlydeltas s
        WHERE s.portfolio_id IN ({IDS[vendor]}) AND {_of_types(key_column)} AND s.month"""
    statement = f"""
        WITH by_day(month) AS ({_MONTHS[vendor]})
        SELECT s.currency, {key}, {_NO_MONTH[vendor]}, {_SUMS}, {_NO_DAYS[vendor]} {source} < %s GROUP BY {group}
        UNION ALL
        SELECT s.currency, {key}, {DAY[vendor].format("s.month")}, {", ".join(f"s.{name}" for name in _HALVES)},
            {_DAYS_IF_NEEDED} {source} BETWEEN %s AND %s
        {_counts()}
        {_forgotten(f"'{FORGOTTEN}', NULL, {_NO_MONTH[vendor]}, 0, 0, 0, 0, NULL, NULL, NULL")}"""
    first, last, ids = days[0].replace(day=1), days[-1], ids_param(portfolio_ids)
    which = [ids, id_param(ALL_TYPES)]
    params = [dates_param(months_by_day(days)), *which, first, *which, first, last, last, days[0], ids, ids]
    return _months(fetch_rows(statement, params))


def _months(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, UUID | None, MonthOfDeltas]]:
    months = Days()
    for currency, key_id, month, own_high, own_low, owe_high, owe_low, bits, owned, owed in rows:
        if currency == FORGOTTEN:
            raise Forgotten
        yield (
            currency,
            None if key_id is None else parse_id(key_id),
            MonthOfDeltas(
                months[month],
                join_halves(own_high, own_low),
                join_halves(owe_high, owe_low),
                bits or 0,
                bytes(owned or b""),
                bytes(owed or b""),
            ),
        )


_FIRST = """
    SELECT {month}, s.days, s.begun FROM assets_monthlydeltas s
    WHERE s.portfolio_id IN ({ids}) AND s.asset_type_id = %s AND length(s.begun) > 0 AND s.month = (
        SELECT MIN(f.month) FROM assets_monthlydeltas f
        WHERE f.portfolio_id IN ({ids}) AND f.asset_type_id = %s AND length(f.begun) > 0
    ) {others} {forgotten}"""


def first_day_of_deltas(portfolio_ids: Collection[UUID]) -> tuple[date | None, bool]:
    """The first day on which any of the portfolios' assets had a value, None if there is none; and whether they have
    assets of which the table knows nothing. Raises Forgotten.
    """
    clock.require_present()
    vendor, ids = connection.vendor, ids_param(portfolio_ids)
    statement = _FIRST.format(
        month=DAY[vendor].format("s.month"),
        ids=IDS[vendor],
        others=_others(f"{_NO_MONTH[vendor]}, 0, NULL"),
        forgotten=_forgotten(f"{_NO_MONTH[vendor]}, -1, NULL"),
    )
    months, first, has_others = Days(), None, False
    for month, days, begun in fetch_rows(statement, [*[ids, id_param(ALL_TYPES)] * 2, ids, ids]):
        if begun is None and days < 0:
            raise Forgotten
        if begun is None:
            has_others = True
            continue
        bits = offsets(days)
        numbers = decode_numbers(bytes(begun), len(bits))
        bit = next(bit for bit, number in zip(bits, numbers, strict=True) if number)
        on = months[month] + timedelta(days=bit)
        first = on if first is None else min(first, on)
    return first, has_others
