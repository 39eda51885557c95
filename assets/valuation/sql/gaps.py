"""SQL that reads the table of gaps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from uuid import UUID

from django.db import connection

from assets.valuation import registry
from strata.audit import clock
from strata.db.params import IDS, Days, fetch_rows, ids_param, parse_id

# The day of the disposal ends a gap. The condition begins as that of the index asset_not_valued_by_hand.
_GAPS = """
    SELECT a.id, g.start_on,
        CASE WHEN g.end_on IS NULL OR a.disposed_on < g.end_on THEN a.disposed_on ELSE g.end_on END
    FROM assets_asset a JOIN assets_valuegap g ON g.asset_id = a.id
    WHERE a.portfolio_id IN ({ids}) AND NOT (a.shares = '' AND a.valuation = '{manual}') AND a.counts_in_net_worth
        AND g.start_on <= %s AND (g.end_on IS NULL OR g.end_on > %s)
        AND (a.disposed_on IS NULL OR a.disposed_on > g.start_on)
    ORDER BY a.id, g.start_on"""


def gaps_between(
    portfolio_ids: Collection[UUID], first: date, last: date
) -> Iterator[tuple[UUID, date, date | None]]:
    """(asset, start, end) of the gaps between these days of assets that count in net worth and have a stored source."""
    clock.require_present()
    statement = _GAPS.format(ids=IDS[connection.vendor], manual=registry.MANUAL)
    rows, days = fetch_rows(statement, [ids_param(portfolio_ids), last, first]), Days()
    return ((parse_id(pk), days[start], None if end is None else days[end]) for pk, start, end in rows)
