"""SQL that reads values from the table of monthly values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db import connection

from assets.valuation.codecs.months import amounts_in, days_in
from assets.valuation.protocol import AssetValues
from assets.valuation.sql.forgotten import OF_ASSET, Forgotten
from strata.audit import clock
from strata.db.params import ASSETS, fetch_long_rows, fetch_rows, place_params

MONTHS_AT_ONCE = 10_000  # five million characters of daily values
SAME_DAYS = 16  # many assets have values on exactly the same days
type MonthsRow = tuple[int, str | None, bool]  # the place of an asset, its months, whether they are forgotten


# The newest month that has a value on or before a day.
_NEWEST = """SELECT o.month FROM assets_packedmonth o WHERE o.asset_id = asset.id AND o.month <= %s
    AND o.days <> 0 AND (o.month < %s OR o.days & %s <> 0) ORDER BY o.month DESC LIMIT 1"""
_FIRST = """SELECT f.month FROM assets_packedmonth f WHERE f.asset_id = asset.id AND f.days <> 0
    ORDER BY f.month LIMIT 1"""
_ALL = f"m.month >= COALESCE(({_NEWEST}), %s) AND m.month <= %s"
_THE_ENDS = f"m.month IN (COALESCE(({_NEWEST}), ({_FIRST})), ({_NEWEST}))"
_MONTHS_IN_ONE_ROW = {
    "sqlite": """SELECT place, (SELECT group_concat(month || ' ' || days) || ';' || group_concat(hex(amounts), '')
        FROM ({source})), {forgotten} FROM asset""",
    "postgresql": """SELECT place, (SELECT string_agg(to_char(month, 'YYYY-MM-DD ') || days, ',') || ';' ||
        encode(string_agg(amounts, ''), 'hex') FROM ({source}) AS m), {forgotten} FROM asset""",
}
_LAST_OF_MONTHS_IN_ONE_ROW = {
    "sqlite": """SELECT place, (SELECT group_concat(month) || ';' || group_concat(hex(substr(amounts, -8)), '')
        FROM ({source})), {forgotten} FROM asset""",
    "postgresql": """SELECT place, (SELECT string_agg(to_char(month, 'YYYY-MM-DD'), ',') || ';' ||
        encode(string_agg(substring(amounts FROM length(amounts) - 7), ''), 'hex') FROM ({source}) AS m), {forgotten}
        FROM asset""",
}
_SOURCE = """SELECT m.month, m.days, m.amounts FROM assets_packedmonth m
    WHERE m.asset_id = asset.id AND {wanted} ORDER BY m.month"""


def values_in_months(
    ids: Sequence[UUID], start: date, end: date, forgotten: list[UUID] | None = None
) -> Iterator[AssetValues]:
    """The same as registry.values, read from the monthly values.

    Assets whose portfolio is forgotten are left out, and are added to the list; without one, they are read as they are:
    that is for writes, which need not know all values there.
    """
    clock.require_present()
    rows = _rows(_ALL, ids, [*_up_to(start), start.replace(day=1), end], most=(end - start).days // 28 + 2)
    return _read(ids, rows, start, end, forgotten)


def values_at_the_ends(
    ids: Sequence[UUID], start: date, end: date, forgotten: list[UUID] | None = None
) -> Iterator[AssetValues]:
    """The same, but only the values in the months of the first and of the last value."""
    clock.require_present()
    return _read(ids, _rows(_THE_ENDS, ids, [*_up_to(start), *_up_to(end)], most=2), start, end, forgotten)


def last_values_of_months(
    ids: Sequence[UUID], start: date, end: date
) -> Iterator[tuple[UUID, Sequence[date], Sequence[int | None]]]:
    """(asset, months, values): the last value of each month that has any, from the newest up to that of `start` to that
    of `end`. Months are their first days; None is a gap. Assets without any are left out. Raises Forgotten.
    """
    clock.require_present()
    params = [*_up_to(start), start.replace(day=1), end]
    rows = _rows(f"m.days <> 0 AND {_ALL}", ids, params, most=1, statements=_LAST_OF_MONTHS_IN_ONE_ROW)
    return _read_last(ids, rows)


def _read_last(
    ids: Sequence[UUID], rows: Iterable[MonthsRow]
) -> Iterator[tuple[UUID, Sequence[date], Sequence[int | None]]]:
    for number, months_text, is_forgotten in rows:
        if is_forgotten:
            raise Forgotten
        if months_text is not None:
            months, _, digits = months_text.partition(";")
            yield ids[number], _months_of(months), amounts_in(bytes.fromhex(digits))


@lru_cache(SAME_DAYS)
def _months_of(months: str) -> tuple[date, ...]:
    return tuple(map(date.fromisoformat, months.split(",")))


def _up_to(on: date) -> list[Any]:
    month = on.replace(day=1)
    return [month, month, (1 << on.day) - 1]


def _rows(
    wanted: str,
    ids: Sequence[UUID],
    params: list[Any],
    *,
    most: int,
    statements: Mapping[str, str] = _MONTHS_IN_ONE_ROW,
) -> Iterator[MonthsRow]:
    """A row for each asset, with at most `most` months. A small result is fetched at once: faster on PostgreSQL."""
    if not ids:
        return iter(())
    vendor = connection.vendor
    source, forgotten = _SOURCE.format(wanted=wanted), OF_ASSET.format(asset="asset.id")
    months = statements[vendor].format(source=source, forgotten=forgotten)
    places = place_params([(pk, number, None) for number, pk in enumerate(ids)])
    fetch = fetch_rows if len(ids) * most <= MONTHS_AT_ONCE else fetch_long_rows
    return fetch(f"WITH asset AS ({ASSETS[vendor]}) {months}", [*places, *params])


def _read(
    ids: Sequence[UUID], rows: Iterable[MonthsRow], start: date, end: date, forgotten: list[UUID] | None
) -> Iterator[AssetValues]:
    window = lru_cache(SAME_DAYS)(partial(_window, start=start, end=end))
    for number, months_text, is_forgotten in rows:
        if is_forgotten and forgotten is not None:
            forgotten.append(ids[number])
            continue
        if months_text is None:
            continue
        months, _, digits = months_text.partition(";")
        first, last, days = window(months)
        if days:
            yield AssetValues(ids[number], days, amounts_in(bytes.fromhex(digits))[first:last])


def _window(months: str, *, start: date, end: date) -> tuple[int, int, tuple[date, ...]]:
    """(first, last, days): which of the months' values are from the newest on or before `start` up to `end`."""
    days: list[date] = []
    for month_text in months.split(","):
        month, bits = month_text.split(" ")
        days += days_in(date.fromisoformat(month), int(bits))
    first, last = max(bisect_right(days, start) - 1, 0), bisect_right(days, end)
    return first, last, tuple(days[first:last])
