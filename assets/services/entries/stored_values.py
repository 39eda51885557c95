"""Finds the recorded values that the rows of a batch meet: those of their days, and those of their instants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from assets.models import Asset, AssetSnapshot
from strata.db.bulk import stored_instant
from strata.db.params import SPANS, asset_span_params, fetch_rows, parse_id

MANY_FOR_EACH = (
    10  # moments of one asset: from here on it is asked first whether the asset has any value there
)


class Moment(NamedTuple):
    """Where a row puts its value."""

    asset: Asset
    on: date
    at: datetime


class Stored(NamedTuple):
    """The value that counts on the day of a moment, its last one; and the value of its instant. None where none is."""

    of_day: AssetSnapshot | None = None
    of_instant: AssetSnapshot | None = None


_GIVEN = {
    "sqlite": """SELECT key AS place, json_extract(value, '$[0]') AS asset_id, json_extract(value, '$[1]') AS on_day,
        json_extract(value, '$[2]') AS instant FROM json_each(%s)""",
    "postgresql": """SELECT place - 1 AS place, asset_id, on_day, instant
        FROM unnest(%s::uuid[], %s::date[], %s::timestamptz[])
        WITH ORDINALITY AS row(asset_id, on_day, instant, place)""",
}
# Each is one lookup in the index of snapshot_one_per_asset_and_instant: a day may have thousands of values.
_IDS = {
    vendor: f"""
    WITH given AS ({given})
    SELECT place, (
        SELECT s.id FROM assets_assetsnapshot s WHERE s.asset_id = given.asset_id AND s."on" = given.on_day
        ORDER BY s.observed_at DESC LIMIT 1
    ), (
        SELECT s.id FROM assets_assetsnapshot s WHERE s.asset_id = given.asset_id AND s."on" = given.on_day
        AND s.observed_at = given.instant
    ) FROM given"""  # noqa: S608 - constants only
    for vendor, given in _GIVEN.items()
}


# Of assets with a first and a last day: those that have a value on one of them or between.
_BUSY = {
    vendor: f"""
    WITH span AS ({spans})
    SELECT asset_id FROM span WHERE EXISTS (
        SELECT 1 FROM assets_assetsnapshot s
        WHERE s.asset_id = span.asset_id AND s."on" BETWEEN span.first_on AND span.last_on
    )"""  # noqa: S608 - constants only
    for vendor, spans in SPANS.items()
}


def stored_values(moments: Sequence[Moment]) -> list[Stored]:
    """What is stored for each of the moments, in a few statements. Values know the given assets, which are locked."""
    # By the object, not by its key: the hash of a UUID is calculated each time, for each of many rows of few assets.
    objects = {id(moment.asset): moment.asset for moment in moments}
    places = list(range(len(moments)))
    if len(moments) >= MANY_FOR_EACH * len(objects):
        busy = with_values_between(moments)
        busy_objects = {key for key, asset in objects.items() if asset.id in busy}
        places = [place for place in places if id(moments[place].asset) in busy_objects]
    if not places:
        return [Stored()] * len(moments)
    assets = {asset.id: asset for asset in objects.values()}
    looked_up = fetch_rows(_IDS[connection.vendor], _params([moments[place] for place in places]))
    places_and_ids = [(places[int(place)], *ids) for place, *ids in looked_up]
    wanted = {parse_id(pk) for _, *ids in places_and_ids for pk in ids if pk is not None}
    values = AssetSnapshot.objects.filter(pk__among=list(wanted), asset__pk__among=list(assets))
    rows = {row.pk: row for row in values.order_by()}
    for row in rows.values():
        row.asset = assets[row.asset_id]
    stored = [Stored()] * len(moments)
    for place, *ids in places_and_ids:
        stored[place] = Stored(*(None if pk is None else rows[parse_id(pk)] for pk in ids))
    return stored


def with_values_between(moments: Iterable[Moment]) -> set[UUID]:
    """The assets that have a value somewhere between their first and their last moment: one lookup for each asset."""
    days: dict[int, set[date]] = {}
    objects: dict[int, Asset] = {}
    for asset, on, _ in moments:
        key = id(asset)
        if key not in objects:
            objects[key], days[key] = asset, set()
        days[key].add(on)
    params = asset_span_params([(objects[key].id, min(each), max(each)) for key, each in days.items()])
    return {parse_id(pk) for (pk,) in fetch_rows(_BUSY[connection.vendor], params)}


def _params(moments: Sequence[Moment]) -> list[Any]:
    if connection.vendor == "postgresql":
        return [
            list(column) for column in zip(*((asset.pk, on, at) for asset, on, at in moments), strict=True)
        ]
    return [json.dumps([(asset.pk.hex, on.isoformat(), stored_instant(at)) for asset, on, at in moments])]


def key_of(moment: Moment, target: AssetSnapshot | None) -> tuple[UUID, date, datetime]:
    """What a row writes: two rows of a batch may not have the same."""
    if target is not None:
        return target.asset_id, target.on, target.observed_at
    return moment.asset.id, moment.on, moment.at
