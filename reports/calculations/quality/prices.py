"""Findings about the prices of securities: none yet, none that counts any more, and jumps. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets.prices.series import PriceSeries
from assets.valuation.protocol import PriceGap
from reports.calculations.quality.codes import Code
from reports.calculations.quality.finding import Finding

JUMP = 5  # times as much, or a part of it
_SHOWN = Context(prec=12)


class PricedAsset(NamedTuple):
    """An asset whose value comes from the prices of an instrument, which are in `prices`; `split_days` ascend."""

    asset_id: UUID
    instrument_id: UUID
    symbol: str
    prices: PriceSeries
    split_days: Sequence[date]


def without_price(gap: PriceGap) -> Finding:
    """The asset is left out of the totals of the day: it has no price yet, or the last one is too old."""
    named = gap.symbol or gap.asset_name
    if gap.last_on is None:
        message = f"{named} has no price on or before {gap.on}: totals leave it out. Record one, or give it a source."
        params = {"symbol": named, "on": gap.on}
        facts = (gap.instrument_id,)
        return Finding(Code.NO_PRICE, gap.asset_id, gap.on, message, "warning", facts=facts, params=params)
    age = (gap.on - gap.last_on).days
    message = f"The last price of {named} is of {gap.last_on}, {age} days before: totals leave it out."
    return Finding(
        Code.STALE_PRICE,
        gap.asset_id,
        gap.last_on,
        message,
        "warning",
        facts=(gap.instrument_id, gap.last_on),
        params={"symbol": named, "last_on": gap.last_on, "age": age},
    )


def price_jumps(asset: PricedAsset) -> Iterator[Finding]:
    """Prices at least JUMP times the one before, or at most that part of it, with no split on the days between."""
    amounts, days = asset.prices.amounts, asset.prices.days
    if not amounts or max(amounts) < JUMP * min(amounts):
        return  # nearly all series
    for number in range(1, len(amounts)):
        before, after = amounts[number - 1], amounts[number]
        if JUMP * min(before, after) <= max(before, after) and not _was_split(
            asset, days[number - 1], days[number]
        ):
            yield _jump(asset, days[number], *(_shown(asset.prices, amount) for amount in (before, after)))


def _was_split(asset: PricedAsset, since: date, until: date) -> bool:
    """Whether there was a split after `since` up to `until`."""
    return bisect_right(asset.split_days, since) < bisect_right(asset.split_days, until)


def _shown(prices: PriceSeries, amount: int) -> Decimal:
    price = Fraction(amount, prices.denominator)
    return _SHOWN.divide(Decimal(price.numerator), Decimal(price.denominator)).normalize(_SHOWN)


def _jump(asset: PricedAsset, on: date, before: Decimal, after: Decimal) -> Finding:
    message = f"{asset.symbol} goes from {before:f} to {after:f}, with no split between. Is a split missing?"
    facts = (asset.instrument_id, on, f"{before:f}", f"{after:f}")
    params = {"symbol": asset.symbol, "before": before, "after": after, "on": on}
    return Finding(Code.PRICE_JUMP, asset.asset_id, on, message, "warning", facts=facts, params=params)
