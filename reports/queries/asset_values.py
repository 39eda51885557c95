"""What an asset was worth over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from assets import valuation
from assets.models import Asset
from assets.valuation import Origin
from assets.valuation.formulas.shares import shares_in
from assets.valuation.series import money, ten_thousandths
from reports.calculations.intervals import count_days, days_between
from reports.queries.net_worth import refuse_too_many_points


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
    ((_, series),) = valuation.value_series([valuation.ref_of(asset)], start=start, end=end)
    steps = [(on, money(value)) for on, value in series.steps(start, end)]
    return AssetValues(asset.name, asset.currency, start, end, steps)


class DescribedValue(NamedTuple):
    """What the asset was worth at the end of a day, and what that was made of; both None without a value.

    `value` is the household's part: the `share` of that day of `whole_value`.
    """

    on: date
    value: Decimal | None
    origin: Origin | None
    share: Decimal
    whole_value: Decimal | None


@dataclass(frozen=True, slots=True)
class DescribedValues:
    name: str
    currency: str
    points: Sequence[DescribedValue]


def described_values(
    asset: Asset, *, start: date | None, end: date, interval: str = "month"
) -> DescribedValues:
    """A point at the end of each interval from `start` (default: the first value) to `end`.

    Raises ReportTooLarge for more than MOST_POINTS.
    """
    start = start or first_day(asset, end)
    refuse_too_many_points(count_days(start, end, interval))
    days = days_between(start, end, interval)
    ((_, wholes),) = valuation.whole_series([valuation.ref_of(asset)], start=days[0], end=days[-1])
    origins = valuation.origins({asset.pk: asset.valuation}, days)
    shares = shares_in(asset.shares)
    points = []
    for on in days:
        whole, share = wholes.value_on(on), shares.share_on(on)
        if whole is None:
            points.append(DescribedValue(on, None, None, share, None))
        else:
            value = money(shares.part_on(on, ten_thousandths(whole)))
            points.append(DescribedValue(on, value, origins.get((asset.pk, on)), share, money(whole)))
    return DescribedValues(asset.name, asset.currency, points)


def first_day(asset: Asset, end: date) -> date:
    """The day of the first value; `end` if there is none before."""
    days = valuation.value_days({asset.pk: asset.valuation})
    return min(days[asset.pk].first, end) if asset.pk in days else end
