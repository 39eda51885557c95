"""SQL that reads the table of gaps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from assets.valuation import registry
from assets.valuation.sql.forgotten import OF_ASSET, OF_PORTFOLIOS, Forgotten
from strata.audit import clock
from strata.db.params import IDS, Days, fetch_rows, ids_param, parse_id

type GapRow = tuple[UUID, date, date | None]  # an asset, the first day, the first day after it

# The day of the disposal ends a gap.
_GAPS = """
    SELECT a.id, g.start_on,
        CASE WHEN g.end_on IS NULL OR a.disposed_on < g.end_on THEN a.disposed_on ELSE g.end_on END
    FROM assets_asset a JOIN assets_valuegap g ON g.asset_id = a.id
    WHERE {condition} AND g.start_on <= %s AND (g.end_on IS NULL OR g.end_on > %s)
        AND (a.disposed_on IS NULL OR a.disposed_on > g.start_on){forgotten}
    ORDER BY 1, 2"""
# It begins as that of the index asset_not_valued_by_hand.
_OF_PORTFOLIOS = """a.portfolio_id IN ({ids}) AND NOT (a.shares = '' AND a.valuation = '{manual}')
    AND a.counts_in_net_worth"""
_OF_ASSETS = "a.id IN ({ids})"
_NOTHING = "NULL, NULL, NULL"
_FORGOTTEN_PORTFOLIOS = OF_PORTFOLIOS.replace("{columns}", _NOTHING)
_FORGOTTEN_ASSETS = f""" UNION ALL SELECT {_NOTHING} WHERE EXISTS (
    SELECT 1 FROM ({{ids}}) AS asset WHERE {OF_ASSET.format(asset="asset.id")})"""  # noqa: S608 - constants only


def gaps_between(portfolio_ids: Collection[UUID], first: date, last: date) -> Iterator[GapRow]:
    """The gaps between these days of assets that count in net worth and have a stored source. Raises Forgotten."""
    return _gaps(_OF_PORTFOLIOS, _FORGOTTEN_PORTFOLIOS, portfolio_ids, first, last)


def gaps_of_assets(asset_ids: Collection[UUID], first: date, last: date) -> Iterator[GapRow]:
    """The gaps of these assets between these days. Raises Forgotten."""
    return _gaps(_OF_ASSETS, _FORGOTTEN_ASSETS, asset_ids, first, last)


def _gaps(condition: str, forgotten: str, ids: Collection[UUID], first: date, last: date) -> Iterator[GapRow]:
    clock.require_present()
    which, param = IDS[connection.vendor], ids_param(ids)
    statement = _GAPS.format(
        condition=condition.format(ids=which, manual=registry.MANUAL), forgotten=forgotten.format(ids=which)
    )
    return _parsed(fetch_rows(statement, [param, last, first, param]))


def _parsed(rows: Iterable[Sequence[Any]]) -> Iterator[GapRow]:
    days = Days()
    for pk, start, end in rows:
        if pk is None:
            raise Forgotten
        yield parse_id(pk), days[start], None if end is None else days[end]
