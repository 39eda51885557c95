"""Reads the stored values from which deltas and monthly values are derived."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from itertools import batched, groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from assets.models import Asset
from assets.models.querysets import AssetQuerySet
from assets.valuation import protocol
from assets.valuation.sources import snapshots_sql

ASSETS_AT_A_TIME = 200  # so that ten years of values of many assets are never in memory at once


class AssetFacts(NamedTuple):
    """What decides where an asset counts, and until when."""

    portfolio_id: UUID
    asset_type_id: UUID
    currency: str
    disposed_on: date | None


class ValuesAround(NamedTuple):
    """An asset's values on the days of the given snapshots, and on the days with values just before and after these.

    `with_them` has the last value of each day, `without` the last value of each day if the given snapshots did not
    exist; `touched` are the days of the given snapshots.
    """

    facts: AssetFacts
    with_them: dict[date, int]
    without: dict[date, int]
    touched: set[date]


def facts_of(assets: AssetQuerySet[Asset]) -> dict[UUID, AssetFacts]:
    return {pk: AssetFacts(*facts) for pk, *facts in assets.order_by().values_list("pk", *AssetFacts._fields)}


def values_around(snapshot_ids: Collection[UUID]) -> Iterator[tuple[UUID, ValuesAround]]:
    """(asset id, values around the given snapshots) for each asset that has any of them."""
    for pk, rows in groupby(snapshots_sql.values_around(snapshot_ids), key=itemgetter(0)):
        around = list(rows)
        yield (
            pk,
            ValuesAround(
                facts=AssetFacts(*around[0][1:5]),
                with_them={on: value for *_, on, value, _ in around},
                without={on: value for *_, on, value, is_given in around if not is_given},
                touched={on for *_, on, _, is_given in around if is_given},
            ),
        )


def all_values(asset_ids: Iterable[UUID]) -> Iterator[protocol.Values]:
    for batch in batched(asset_ids, ASSETS_AT_A_TIME):
        yield from snapshots_sql.values_between(batch, date.min, date.max)
