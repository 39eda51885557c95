"""SQL that says of which portfolios the derived tables were emptied.

It is a part of each statement that reads these tables for a report: they may be emptied between two statements.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from strata.audit import clock
from strata.db.params import IDS, fetch_rows, ids_param, parse_id


class Forgotten(Exception):
    """The derived tables do not have what was asked for: it has to be read from the values."""


# Whether it is so of the asset with this id. The first part is a look at a table that is empty nearly always.
OF_ASSET = """CASE WHEN EXISTS (SELECT 1 FROM assets_forgottenportfolio) THEN EXISTS (
    SELECT 1 FROM assets_asset fa JOIN assets_forgottenportfolio f ON f.portfolio_id = fa.portfolio_id
    WHERE fa.id = {asset}) ELSE FALSE END"""
# A row with these columns where it is so of one of the portfolios. Its parameter is that of IDS.
OF_PORTFOLIOS = """ UNION ALL SELECT {columns} WHERE EXISTS (
    SELECT 1 FROM assets_forgottenportfolio f WHERE f.portfolio_id IN ({ids}))"""


def forgotten_among(portfolio_ids: Collection[UUID]) -> list[UUID]:
    """Those of the portfolios, in the order in which they are locked."""
    clock.require_present()
    statement = f"""SELECT f.portfolio_id FROM assets_forgottenportfolio f
        WHERE f.portfolio_id IN ({IDS[connection.vendor]}) ORDER BY f.portfolio_id"""  # noqa: S608 - constants only
    return [parse_id(pk) for (pk,) in fetch_rows(statement, [ids_param(portfolio_ids)])]
