"""Every recorded value of a portfolio as one long table, which the import of net worth tables reads back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from assets.models import Asset, AssetSnapshot
from portfolios.models import Portfolio
from reports.exports.unique_names import unique_names
from strata.api.http.csv_renderer import as_text
from strata.db.consistent_read import consistent_read
from strata.fields.numbers import money_text

HEADER = ("date", "asset", "value", "currency", "type")
ROWS_AT_A_TIME = 2_000


class NamedAsset(NamedTuple):
    pk: UUID
    name: str
    currency: str
    type_code: str


def values_table(portfolio: Portfolio) -> Iterator[list[str]]:
    """The values by asset, the oldest asset first, and by instant: of several on one day the last counts.

    The rows are of one state of the database, and read while they are sent.
    """
    yield list(HEADER)
    with consistent_read():
        cells = {
            asset.pk: (as_text(asset.name), asset.currency, asset.type_code)
            for asset in with_unique_names(assets_of(portfolio))
        }
        rows = AssetSnapshot.objects.filter(asset__portfolio=portfolio)
        rows = rows.order_by("asset_id", "on", "observed_at", "id")
        columns = rows.values_list("asset_id", "on", "value")
        for pk, on, value in columns.iterator(chunk_size=ROWS_AT_A_TIME):
            name, currency, type_code = cells[pk]
            yield [on.isoformat(), name, money_text(value), currency, type_code]


def assets_of(portfolio: Portfolio) -> Iterator[NamedAsset]:
    rows = Asset.objects.filter(portfolio=portfolio).order_by("pk")
    columns = rows.values_list("pk", "name", "currency", "asset_type__code")
    return (NamedAsset(*row) for row in columns.iterator(chunk_size=ROWS_AT_A_TIME))


def with_unique_names(assets: Iterable[NamedAsset]) -> Iterator[NamedAsset]:
    every = list(assets)
    names = unique_names([(asset.name, asset.currency) for asset in every])
    return (asset._replace(name=name) for asset, name in zip(every, names, strict=True))
