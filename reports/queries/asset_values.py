"""What an asset was worth over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from assets import valuation
from assets.models import Asset
from assets.valuation import AssetRef
from assets.valuation.series import money


@dataclass(frozen=True, slots=True)
class AssetValues:
    """The asset's values in its own currency, each with the day from which it holds; none if it has none up to `end`.

    What is owed is negative; from its disposal on the asset is worth nothing.
    """

    name: str
    currency: str
    start: date
    end: date
    steps: Sequence[tuple[date, Decimal]]


def asset_values(asset: Asset, *, start: date | None, end: date) -> AssetValues:
    """The values from `start` (default: the first value) to `end`."""
    start = start or first_day(asset, end)
    ref = AssetRef(asset.pk, asset.currency, asset.disposed_on)
    ((_, series),) = valuation.value_series([ref], start=start, end=end)
    steps = [(on, money(value)) for on, value in series.steps(start, end)]
    return AssetValues(asset.name, asset.currency, start, end, steps)


def first_day(asset: Asset, end: date) -> date:
    """The day of the first value; `end` if there is none before."""
    days = valuation.value_days([asset.pk])
    return min(days[asset.pk].first, end) if asset.pk in days else end
