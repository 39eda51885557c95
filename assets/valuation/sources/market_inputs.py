"""Reads what the value of a holding is made of: its quantities, the prices, the splits, and its recorded values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets import prices
from assets.holdings.reading import quantities_of
from assets.models import Asset
from assets.models.asset import Valuation
from assets.prices.conversion import Split, product
from assets.prices.splits import splits_of
from assets.valuation.formulas.market import (
    NO_PRICES,
    Basis,
    Held,
    Points,
    Prices,
    basis_on,
    last_price,
    market_points,
)
from assets.valuation.sources.anchors import Anchors, anchors_of

MARKET = Valuation.MARKET.value


class Holder(NamedTuple):
    """An asset with the instrument that it holds."""

    asset_id: UUID
    instrument_id: UUID | None
    household_id: UUID


@dataclass(frozen=True, slots=True)
class MarketInputs:
    """All that an asset's values between two days follow from. Prices are from the last one before these days on."""

    held: Held
    prices: Prices = NO_PRICES
    anchors: Anchors = ()
    splits: Mapping[date, Fraction] = field(default_factory=dict)

    def with_anchors(self, anchors: Mapping[date, int]) -> MarketInputs:
        """The same with other recorded values."""
        return replace(self, anchors=tuple(sorted(anchors.items())))

    def points(self) -> Points:
        return market_points(self.held, self.prices, dict(self.anchors), self.splits)

    def basis_on(self, on: date) -> Basis:
        return basis_on(self.held, self.prices, dict(self.anchors), self.splits, on)

    def unit_price_on(self, on: date) -> Fraction | None:
        """What one share costs on the day, whether any is held at its end or not; None where the price is too old."""
        price = last_price(self.held, self.prices, dict(self.anchors), self.splits, on)
        is_too_old = price is None or (on - price.on).days > self.prices.max_age_days
        return None if price is None or is_too_old else price.amount


def holders_of(asset_ids: Collection[UUID]) -> list[Holder]:
    rows = Asset.objects.filter(pk__among=list(asset_ids)).order_by()
    columns = rows.values_list("pk", "instrument_id", "portfolio__household_id")
    return [Holder._make(row) for row in columns]


def market_inputs(
    asset_ids: Sequence[UUID], start: date, end: date, *, without: Collection[UUID] = ()
) -> dict[UUID, MarketInputs]:
    """What the values from `start` to `end` follow from. `without` are the ids of transactions, actions and assets that
    are left out.
    """
    holders = [holder for holder in holders_of(asset_ids) if holder.asset_id not in without]
    held = held_by(holders, without)
    anchors = anchors_of([holder.asset_id for holder in holders])
    of_prices: dict[UUID, PricesAndSplits] = {}
    for first, of_start in by_first_price(holders, start, held, anchors).items():
        of_prices |= {pk: read for (pk, *_), read in with_prices(of_start, first, end, without=without)}
    return {
        holder.asset_id: MarketInputs(
            held[holder.asset_id],
            of_prices[holder.asset_id].prices,
            anchors.get(holder.asset_id, ()),
            of_prices[holder.asset_id].splits,
        )
        for holder in holders
    }


def by_first_price(
    holders: Collection[Holder], start: date, held: Mapping[UUID, Held], anchors: Mapping[UUID, Anchors]
) -> dict[date, list[Holder]]:
    """The holders by the day up to which the last price is the first that is needed: `start`, or one earlier day.

    A recorded value of a day on which nothing is held hides the price of that day. So a price before all of these may
    be the one that counts.
    """
    hidden: dict[UUID, date] = {}
    for pk in (holder.asset_id for holder in holders):
        unheld = (on for on, _ in anchors.get(pk, ()) if on <= start and not held[pk].on(on))
        if (first := next(unheld, None)) is not None:
            hidden[pk] = first
    by_day: dict[date, list[Holder]] = {}
    for holder in holders:
        first = before(min(hidden.values())) if holder.asset_id in hidden else start
        by_day.setdefault(first, []).append(holder)
    return by_day


def before(on: date) -> date:
    return on if on == date.min else on - timedelta(1)


def all_inputs(asset_ids: Collection[UUID], *, without: Collection[UUID] = ()) -> dict[UUID, MarketInputs]:
    """What all values of the assets follow from."""
    return market_inputs(sorted(asset_ids), date.min, date.max, without=without) if asset_ids else {}


def held_by(holders: Collection[Holder], without: Collection[UUID] = ()) -> dict[UUID, Held]:
    """The quantities of each of the assets. Asset.quantity counts from the instrument's first price, where it has no
    day of its own: for that the first prices of all that is linked to them may be needed.
    """
    ids = [holder.asset_id for holder in holders]
    undated = Asset.objects.filter(
        portfolio__household__pk__among=list({holder.household_id for holder in holders}),
        quantity__isnull=False,
        acquired_on=None,
        instrument__isnull=False,
    )
    instrument_ids = set(undated.order_by().values_list("instrument_id", flat=True)) if ids else set()
    first_days = prices.first_days(instrument_ids) if instrument_ids else {}
    steps_by_asset = quantities_of(ids, first_prices=first_days, without=without) if ids else {}
    return {pk: Held(steps.days, steps.units) for pk, steps in steps_by_asset.items()}


class PricesAndSplits(NamedTuple):
    prices: Prices = NO_PRICES
    splits: Mapping[date, Fraction] = {}


def with_prices(
    holders: Collection[Holder], start: date, end: date, *, without: Collection[UUID] = ()
) -> Iterator[tuple[Holder, PricesAndSplits]]:
    """Each holder with the prices of its instrument, from the last one on or before `start` up to `end`.

    Every household has the splits that it entered besides those of all; the prices are read once for all that have the
    same.
    """
    splits: dict[UUID, dict[UUID, list[Split]]] = {}
    by_household: dict[UUID, list[Holder]] = {}
    for holder in holders:
        by_household.setdefault(holder.household_id, []).append(holder)
    readings: dict[str, list[Holder]] = {}
    for household_id, of_household in by_household.items():
        ids = {holder.instrument_id for holder in of_household if holder.instrument_id is not None}
        splits[household_id] = splits_of(ids, household_id, without)
        readings.setdefault(repr(sorted(splits[household_id].items())), []).extend(of_household)
    for same in readings.values():
        of_instrument = splits[same[0].household_id]
        ids = {holder.instrument_id for holder in same if holder.instrument_id is not None}
        read = prices.read(ids, start, end, splits=of_instrument)
        terms = prices.terms_of(ids - read.keys()) if ids - read.keys() else {}
        for holder in same:
            series = read.get(holder.instrument_id) if holder.instrument_id else None
            own_terms = terms.get(holder.instrument_id) if holder.instrument_id else None
            yield (
                holder,
                PricesAndSplits(
                    prices_of(series, own_terms.max_age_days if own_terms else 0),
                    splits_by_day(
                        of_instrument.get(holder.instrument_id, ()) if holder.instrument_id else ()
                    ),
                ),
            )


def prices_of(series: prices.PriceSeries | None, max_age_days: int) -> Prices:
    """The series; without any price, a recorded value still counts as a price for so many days."""
    if series is None:
        return Prices((), (), 1, max_age_days)
    return Prices(series.days, series.amounts, series.denominator, series.max_age_days)


def splits_by_day(splits: Sequence[Split]) -> dict[date, Fraction]:
    by_day: dict[date, list[Split]] = {}
    for split in splits:
        by_day.setdefault(date.fromordinal(split.on), []).append(split)
    return {on: product(of_day) for on, of_day in by_day.items()}
