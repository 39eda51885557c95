"""The values of the whole of assets that a household owns in part, and what changes of its share move."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from itertools import chain
from uuid import UUID

from assets.valuation import registry
from assets.valuation.formulas.shares import ShareChange, share_changes_of, shares_in
from assets.valuation.reading import AssetRef, SeriesReader, value_series, with_values
from assets.valuation.series import ValueSeries


def whole_series(
    assets: Collection[AssetRef], *, start: date, end: date, read_series: SeriesReader = value_series
) -> Iterable[tuple[AssetRef, ValueSeries]]:
    """As value_series, of the whole of each asset. `read_series` reads those that the household owns as a whole."""
    shared = [asset for asset in assets if asset.shares]
    if not shared:
        return read_series(assets, start=start, end=end)
    wholes = registry.values({asset.id: asset.valuation for asset in shared}, start, end)
    others = [asset for asset in assets if not asset.shares]
    return chain(read_series(others, start=start, end=end), with_values(shared, wholes))


def share_changes(assets: Collection[AssetRef], *, start: date, end: date) -> dict[UUID, list[ShareChange]]:
    """What changes of the household's share after `start` up to `end` move, by asset. Without any nothing is read."""
    changed = [asset for asset in assets if asset.shares and shares_in(asset.shares).changes_in(start, end)]
    if not changed:
        return {}
    return {
        asset.id: share_changes_of(shares_in(asset.shares), whole, start, end)
        for asset, whole in whole_series(changed, start=start, end=end)
    }
