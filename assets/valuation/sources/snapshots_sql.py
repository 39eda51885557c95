"""SQL that reads snapshots: all values of an asset between two days, the values around given snapshots or days, and the
values of months.

A subquery selects the columns that it is ordered by, and takes the first row instead of a MAX: only then does SQLite
use the indexes below the views of strata.audit.past.temporal_views, which replace the tables under known_at.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from assets.valuation.codecs.months import last_of_month
from assets.valuation.protocol import AssetValues, Month
from strata.audit.locating import RowIds
from strata.db.params import (
    ASSETS,
    IDS,
    SPANS,
    Days,
    asset_span_params,
    fetch_long_rows,
    fetch_rows,
    id_of_hex,
    id_param,
    ids_param,
    parse_id,
    place_params,
)

type AssetDayValue = tuple[UUID, date, int]
POINTS = 'SELECT asset_id, "on", observed_at AS instant, value FROM assets_assetsnapshot'
FIRST_DAY = """SELECT first."on" FROM (SELECT s."on" FROM assets_assetsnapshot s
    WHERE s.asset_id = {asset} ORDER BY s."on" LIMIT 1) AS first"""

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


def values_between(ids: Sequence[UUID], start: date, end: date) -> Iterator[AssetValues]:
    """Each asset's newest value on or before `start`, and all later ones up to `end`; assets without are left out."""
    if not ids:
        return iter(())
    vendor = connection.vendor
    statement = f"WITH asset AS ({ASSETS[vendor]}) {_VALUES_IN_ONE_ROW[vendor]}"
    places = place_params([(pk, number, None) for number, pk in enumerate(ids)])
    return _parsed(ids, fetch_long_rows(statement, [*places, end, start, start]))


def _parsed(ids: Sequence[UUID], rows: Iterable[tuple[int, str | None]]) -> Iterator[AssetValues]:
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
            yield AssetValues(ids[number], tuple(last), array("q", last.values()))
        else:
            yield AssetValues(ids[number], days, values)


# --- every value of one asset, with its id ---


def values_of(asset_id: UUID) -> Iterator[tuple[UUID, date, int]]:
    """(id, day, value) in the order of their instants."""
    days = Days()
    statement = """SELECT id, "on", value FROM assets_assetsnapshot WHERE asset_id = %s
        ORDER BY "on", observed_at"""
    for pk, on, value in fetch_rows(statement, [id_param(asset_id)]):
        yield pk if isinstance(pk, UUID) else id_of_hex(pk), days[on], value


# --- given snapshots, and the values around them ---

# With their assets, for a table in parts, and both as arrays: joined with the ids, PostgreSQL would look for each id
# with each asset. SQLite has no parts, and would look through all values of the assets.
_IS_GIVEN = {
    "sqlite": "s.id IN (SELECT value FROM json_each(%s))",
    "postgresql": "s.id = ANY(%s::uuid[]) AND s.asset_id = ANY(%s::uuid[])",
}
_GIVEN = {
    vendor: f"""SELECT s.asset_id, s."on", s.value FROM assets_assetsnapshot s WHERE {_IS_GIVEN[vendor]}
        ORDER BY s.asset_id, s."on", s.observed_at"""  # noqa: S608 - constants only
    for vendor in IDS
}
# The days are read from the index alone, then the last value of each by one lookup: a day may have thousands. Each step
# is materialized, and LATERAL with OFFSET 0 looks up each row in the index: otherwise PostgreSQL reads the whole table,
# and the neighbouring days again for each of its rows. SQLite does what the order of a CROSS JOIN says.
_DAYS_IN = {
    "sqlite": """SELECT DISTINCT s.asset_id, s."on" FROM span CROSS JOIN assets_assetsnapshot s
        WHERE s.asset_id = span.asset_id AND s."on" BETWEEN span.first_on AND span.last_on""",
    "postgresql": """SELECT DISTINCT span.asset_id, s."on" FROM span CROSS JOIN LATERAL (
        SELECT s."on" FROM assets_assetsnapshot s
        WHERE s.asset_id = span.asset_id AND s."on" BETWEEN span.first_on AND span.last_on OFFSET 0
    ) AS s""",
}
_LAST_OF_DAYS = """SELECT asset_id, "on", (
        SELECT s.value FROM assets_assetsnapshot s
        WHERE s.asset_id = day.asset_id AND s."on" = day."on" ORDER BY s.observed_at DESC LIMIT 1
    ) AS value FROM day ORDER BY asset_id, day."on" """
_LAST_OTHER = """SELECT {columns} FROM assets_assetsnapshot o WHERE o.asset_id = day.asset_id AND o."on" = day."on"
    AND o.id NOT IN (SELECT id FROM given_id) ORDER BY o.observed_at DESC LIMIT 1"""
_OTHERS = {
    "sqlite": f"""SELECT s.asset_id, s."on", s.observed_at, s.value, FALSE AS is_given
        FROM (SELECT ({_LAST_OTHER.format(columns="o.id")}) AS id FROM day) AS other
        JOIN assets_assetsnapshot s ON s.id = other.id""",  # noqa: S608 - constants only
    "postgresql": f"""SELECT day.asset_id, day."on", s.observed_at, s.value, FALSE AS is_given
        FROM day CROSS JOIN LATERAL ({_LAST_OTHER.format(columns="o.observed_at, o.value")}) AS s""",  # noqa: S608 - constants only
}
_AROUND = {
    vendor: f"""
    WITH given_id AS ({IDS[vendor]}),
    given AS (
        SELECT s.asset_id, s."on", s.observed_at, s.value,
            ROW_NUMBER() OVER (PARTITION BY s.asset_id, s."on" ORDER BY s.observed_at DESC) AS place
        FROM assets_assetsnapshot s WHERE {_IS_GIVEN[vendor]}
    ),
    touched AS (SELECT asset_id, MIN("on") AS first_on, MAX("on") AS last_on FROM given GROUP BY asset_id),
    span AS MATERIALIZED (
        SELECT t.asset_id, COALESCE((
            SELECT MAX(b."on") FROM assets_assetsnapshot b WHERE b.asset_id = t.asset_id AND b."on" < t.first_on
        ), t.first_on) AS first_on, COALESCE((
            SELECT MIN(l."on") FROM assets_assetsnapshot l WHERE l.asset_id = t.asset_id AND l."on" > t.last_on
        ), t.last_on) AS last_on FROM touched t
    ),
    day AS MATERIALIZED ({_DAYS_IN[vendor]}),
    around AS (
        SELECT asset_id, "on", observed_at, value, TRUE AS is_given FROM given WHERE place = 1
        UNION ALL
        {_OTHERS[vendor]}
    )
    SELECT a.id, a.portfolio_id, a.asset_type_id, a.currency, a.disposed_on, a.counts_in_net_worth,
        a.valuation, a.shares, l."on", l.value, l.is_given
    FROM around l JOIN assets_asset a ON a.id = l.asset_id
    ORDER BY l.asset_id, l."on", l.observed_at"""  # noqa: S608 - constants only
    for vendor in IDS
}


def _given_params(ids: RowIds) -> list[Any]:
    """The parameters of _IS_GIVEN."""
    return [ids_param(ids), ids_param(ids.places)] if connection.vendor == "postgresql" else [ids_param(ids)]


def given_values(snapshot_ids: RowIds) -> Iterator[AssetDayValue]:
    """(asset, day, value) of each of the snapshots that is there, the oldest of each asset first."""
    return _dated(fetch_rows(_GIVEN[connection.vendor], _given_params(snapshot_ids)))


def values_around(snapshot_ids: RowIds) -> Iterator[tuple[Any, ...]]:
    """(asset, portfolio, type, currency, disposed_on, whether it counts, valuation, shares, on, value, whether it is a
    given snapshot), oldest first.

    For each asset of the given snapshots: from the last day with a value before the first of them to the first such day
    after the last. Of each day the last given snapshot, and the last other one. A day may have thousands.
    """
    days = Days()
    rows = fetch_rows(_AROUND[connection.vendor], [ids_param(snapshot_ids), *_given_params(snapshot_ids)])
    for asset, portfolio, asset_type, currency, disposed_on, counts, *source, on, value, is_given in rows:
        yield (
            parse_id(asset),
            parse_id(portfolio),
            parse_id(asset_type),
            currency,
            None if disposed_on is None else days[disposed_on],
            bool(counts),
            *source,
            days[on],
            value,
            bool(is_given),
        )


# --- what is beside new snapshots ---

_NEW = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS asset_id, json_extract(value, '$[1]') AS first_on,
        json_extract(value, '$[2]') AS last_on, json_extract(value, '$[3]') AS month_on,
        json_extract(value, '$[4]') AS month_end FROM json_each(%s)""",
    "postgresql": """SELECT * FROM unnest(%s::uuid[], %s::date[], %s::date[], %s::date[], %s::date[])
        AS span(asset_id, first_on, last_on, month_on, month_end)""",
}
_OF_SPAN = (
    """SELECT s."on", s.value, s.observed_at FROM assets_assetsnapshot s WHERE s.asset_id = span.asset_id"""
)
_DAY_OF_SPAN = 'SELECT o."on" FROM assets_assetsnapshot o WHERE o.asset_id = span.asset_id AND o."on"'
_BEFORE = f"""{_OF_SPAN} AND s."on" < span.first_on AND s."on" >= COALESCE((
        {_DAY_OF_SPAN} < span.month_on ORDER BY o."on" DESC LIMIT 1
    ), span.month_on) ORDER BY s."on", s.observed_at"""
_AFTER = f"""{_OF_SPAN} AND s."on" > span.last_on AND s."on" <= COALESCE((
        {_DAY_OF_SPAN} > span.month_end ORDER BY o."on" LIMIT 1
    ), span.month_end) ORDER BY s."on", s.observed_at"""
_IN_ONE_TEXT = {
    "sqlite": """(SELECT group_concat("on") || ' ' || group_concat(value) FROM ({rows}))""",
    "postgresql": """(SELECT string_agg(to_char("on", 'YYYY-MM-DD'), ',') || ' ' || string_agg(value::text, ',')
        FROM ({rows}) AS s)""",
}
_BESIDE_NEW = {
    vendor: f"""
    WITH span AS ({_NEW[vendor]})
    SELECT a.id, a.portfolio_id, a.asset_type_id, a.currency, a.disposed_on, a.counts_in_net_worth,
        a.valuation, a.shares,
        (SELECT COUNT(*) FROM assets_assetsnapshot s
            WHERE s.asset_id = span.asset_id AND s."on" BETWEEN span.first_on AND span.last_on),
        {text.format(rows=_BEFORE)}, {text.format(rows=_AFTER)}
    FROM span CROSS JOIN assets_asset a WHERE a.id = span.asset_id"""  # noqa: S608 - constants only
    for vendor, text in _IN_ONE_TEXT.items()
}


class BesideNew(NamedTuple):
    """An asset with new values: what AssetFacts are made of, how many values there are from the first to the last of
    the new ones, and the values beside these: of the same months, and the last one before and the first one after them.
    """

    asset_id: UUID
    facts: tuple[Any, ...]
    stored: int
    before: dict[date, int]
    after: dict[date, int]


def beside_new(spans: Sequence[tuple[UUID, date, date]]) -> Iterator[BesideNew]:
    """Of each (asset, day of its first new value, day of its last one), in one statement. The values are written."""
    if not spans:
        return
    months = [
        (pk, first, last, first.replace(day=1), last_of_month(last.replace(day=1)))
        for pk, first, last in spans
    ]
    days = Days()
    rows = fetch_rows(_BESIDE_NEW[connection.vendor], asset_span_params(months))
    for asset, portfolio, asset_type, currency, disposed_on, counts, *rest in rows:
        valuation, shares, count, before, after = rest
        gone = None if disposed_on is None else days[disposed_on]
        facts = parse_id(portfolio), parse_id(asset_type), currency, gone, bool(counts), valuation, shares
        yield BesideNew(parse_id(asset), facts, count, _values_in(before, days), _values_in(after, days))


def _values_in(values_text: str | None, days: Days) -> dict[date, int]:
    """By day, the oldest first; of several values of a day the last one."""
    if values_text is None:
        return {}
    on, _, amounts = values_text.partition(" ")
    return dict(zip(map(days.__getitem__, on.split(",")), map(int, amounts.split(",")), strict=True))


# --- the values around given days ---

_NEAR = {
    vendor: f"""
    WITH touched AS ({ASSETS[vendor]}),
    span AS MATERIALIZED (
        SELECT t.id AS asset_id, COALESCE((
            SELECT MAX(b."on") FROM assets_assetsnapshot b WHERE b.asset_id = t.id AND b."on" < %s
        ), %s) AS first_on, COALESCE((
            SELECT MIN(l."on") FROM assets_assetsnapshot l WHERE l.asset_id = t.id AND l."on" > %s
        ), %s) AS last_on FROM touched t
    ),
    day AS MATERIALIZED ({_DAYS_IN[vendor]})
    {_LAST_OF_DAYS}"""  # noqa: S608 - constants only
    for vendor in ASSETS
}


def values_near(asset_ids: Collection[UUID], first: date, last: date) -> Iterator[AssetDayValue]:
    """(asset, day, value), oldest first: from the last day with a value before `first` to the first one after `last`.

    Of a day the last value.
    """
    assets = place_params([(pk, 0, None) for pk in asset_ids])
    return _dated(fetch_rows(_NEAR[connection.vendor], [*assets, first, first, last, last]))


# --- the values of months ---

# The days that have values are read from the index alone, then the last value of each by one lookup.
_IN_MONTHS = {
    vendor: f"""
    WITH span AS ({SPANS[vendor]}), day AS MATERIALIZED ({_DAYS_IN[vendor]}) {_LAST_OF_DAYS}"""
    for vendor in SPANS
}


def values_of_months(months: Sequence[Month]) -> Iterator[AssetDayValue]:
    """(asset, day, value) of each day in these months that has a value, in order; of a day the last value."""
    spans = [(asset, month, last_of_month(month)) for asset, month in months]
    return _dated(fetch_rows(_IN_MONTHS[connection.vendor], asset_span_params(spans)))


def _dated(rows: Iterable[tuple[Any, ...]]) -> Iterator[AssetDayValue]:
    days = Days()
    return ((parse_id(asset), days[on], value) for asset, on, value in rows)
