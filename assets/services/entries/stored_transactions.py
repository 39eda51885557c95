"""Finds the recorded transactions that another program knows by the keys of a batch's rows: a look-up for each key."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

from assets.models import Transaction
from strata.db.params import fetch_rows, parse_id

type Key = tuple[UUID, str, str]  # asset, source, external_id: unique

_GIVEN = {
    "sqlite": """SELECT json_extract(value, '$[0]') AS asset_id, json_extract(value, '$[1]') AS source,
        json_extract(value, '$[2]') AS external_id FROM json_each(%s)""",
    "postgresql": "SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS key(asset_id, source, external_id)",
}
# CROSS JOIN, because SQLite then takes the keys first: an asset may have a hundred thousand transactions.
_IDS = {
    vendor: f"""
    WITH given AS ({given})
    SELECT t.id FROM given CROSS JOIN assets_transaction t
    WHERE t.asset_id = given.asset_id AND t.source = given.source AND t.external_id = given.external_id"""  # noqa: S608 - constants only
    for vendor, given in _GIVEN.items()
}


def stored_transactions(keys: Collection[Key]) -> dict[Key, Transaction]:
    """Those of the keys that an asset has, with their transactions. Mostly there are none: then it is one statement."""
    if not keys:
        return {}
    ids = [parse_id(pk) for (pk,) in fetch_rows(_IDS[connection.vendor], _params(keys))]
    if not ids:
        return {}
    rows = Transaction.objects.filter(pk__among=ids).order_by()
    return {(row.asset_id, row.source, row.external_id or ""): row for row in rows}


def _params(keys: Collection[Key]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [list(column) for column in zip(*keys, strict=True)]
    return [json.dumps([(pk.hex, source, external_id) for pk, source, external_id in keys])]
