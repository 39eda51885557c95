"""What was gained by selling, and what is gained by holding. Pure.

In another currency than the asset's, a cost is converted at the rate of its day and proceeds at the rate of theirs, so
that part of a gain comes from the exchange rate:

    fx_gain = cost in the asset's currency x (rate at sale - rate at purchase)

With average cost the pool's cost in the reporting currency takes the place of cost x rate at purchase: the pool mixes
costs of several days. In any currency and by any method it holds that

    realised + unrealised + income - expenses + missing proceeds = what the cash shows + value
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from investments.calculations.lot_results import AssetLots, ClosedLot, Closing, MissingLot, OpenLot
from investments.calculations.reported import POOL_UNIT, RATE_UNIT, Rates


class Gain(NamedTuple):
    """A closed lot in the reporting currency, in fine units; None where a rate is missing."""

    asset_id: UUID
    lot: ClosedLot
    cost: int | None
    proceeds: int | None
    realised_gain: int | None
    fx_gain: int | None


class GainTotals(NamedTuple):
    """The sums of what is known, in fine units; `complete` is false where a rate is missing."""

    cost: int = 0
    proceeds: int = 0
    realised_gain: int = 0
    fx_gain: int = 0
    complete: bool = True


def realised_gains(
    lots: AssetLots, rates: Rates, *, start: date | None = None, end: date | None = None
) -> list[Gain]:
    """The gains of the lots that were closed after `start` up to the end of `end`, in the order of their sales."""
    return [
        gain_of(lot, lots, rates)
        for lot in lots.closed
        if (start is None or lot.disposed_on > start) and (end is None or lot.disposed_on <= end)
    ]


def gain_of(lot: ClosedLot, lots: AssetLots, rates: Rates) -> Gain:
    cost = _cost(lot, lot.acquired_on, lots, rates)
    cost_at_sale = rates.fine(lot.cost, lots.currency, lot.disposed_on)
    proceeds = rates.fine(lot.proceeds, lots.currency, lot.disposed_on)
    if lot.unknown or cost is None or proceeds is None or cost_at_sale is None:
        return Gain(lots.asset_id, lot, None, None, None, None)
    return Gain(lots.asset_id, lot, cost, proceeds, proceeds - cost, cost_at_sale - cost)


def _cost(lot: ClosedLot | OpenLot, on: date, lots: AssetLots, rates: Rates) -> int | None:
    if lot.reported is not None and lots.currency != rates.target:
        pooled: int = lot.reported * POOL_UNIT
        return pooled
    return rates.fine(lot.cost, lots.currency, on)


def total(gains: Iterable[Gain]) -> GainTotals:
    cost = proceeds = realised = fx = 0
    complete = True
    for gain in gains:
        if gain.cost is None or gain.proceeds is None or gain.realised_gain is None or gain.fx_gain is None:
            complete = False
            continue
        cost, proceeds = cost + gain.cost, proceeds + gain.proceeds
        realised, fx = realised + gain.realised_gain, fx + gain.fx_gain
    return GainTotals(cost, proceeds, realised, fx, complete)


def realised_totals(
    lots: AssetLots, rates: Rates, *, start: date | None = None, end: date | None = None
) -> GainTotals:
    """The same as the total of realised_gains, without an object for each lot."""
    closings = [
        closing
        for closing in lots.closings
        if (start is None or closing.on > start) and (end is None or closing.on <= end)
    ]
    known = _at_rates(closings, lots, rates) if lots.knows_all_costs else None
    return added_up(_total_of(closing, lots, rates) for closing in closings) if known is None else known


def _at_rates(closings: Iterable[Closing], lots: AssetLots, rates: Rates) -> GainTotals | None:
    """The total where each cost and each sale is known at the rate of its day. None where one of these rates is
    missing, or a pool knows a cost in the reporting currency.
    """
    cost = proceeds = at_sale = 0
    rate_of, is_converted = rates.into_target(lots.currency), lots.currency != rates.target
    for closing in closings:
        own_costs, has_cost = 0, False
        for lot, _, own_cost, reported in closing.parts:
            if is_converted and reported is not None:
                return None
            if own_cost:
                rate, has_cost = rate_of[lot.order[0]], True
                if rate is None:
                    return None
                cost, own_costs = cost + own_cost * rate, own_costs + own_cost
        if has_cost or closing.proceeds:  # an amount of zero needs no rate
            rate = rate_of[closing.on]
            if rate is None:
                return None
            proceeds, at_sale = proceeds + closing.proceeds * rate, at_sale + own_costs * rate
    return GainTotals(cost, proceeds, proceeds - cost, at_sale - cost)


def _total_of(closing: Closing, lots: AssetLots, rates: Rates) -> GainTotals:
    """Lot by lot only where something is unknown, or a pool knows the cost in the reporting currency."""
    is_pooled = lots.currency != rates.target and any(part.reported is not None for part in closing.parts)
    if not is_pooled and not closing.is_unknown:
        rate_of = rates.into_target(lots.currency)
        bought = [(own_cost, rate_of[lot.order[0]]) for lot, _, own_cost, _ in closing.parts if own_cost]
        rate = rate_of[closing.on] if bought or closing.proceeds else 0
        costs = [own_cost * rate_then for own_cost, rate_then in bought if rate_then is not None]
        if rate is not None and len(costs) == len(bought):
            cost, proceeds = sum(costs), closing.proceeds * rate
            at_sale = sum(own_cost for own_cost, _ in bought) * rate
            return GainTotals(cost, proceeds, proceeds - cost, at_sale - cost)
    return total(gain_of(lot, lots, rates) for lot in closing.closed_lots())


def added_up(totals: Iterable[GainTotals]) -> GainTotals:
    rows = list(totals)
    return GainTotals(
        sum(each.cost for each in rows),
        sum(each.proceeds for each in rows),
        sum(each.realised_gain for each in rows),
        sum(each.fx_gain for each in rows),
        all(each.complete for each in rows),
    )


def total_in_own_currency(lots: AssetLots) -> GainTotals:
    """The same as the total of realised_gains in the asset's own currency: no rate takes part in it."""
    cost, proceeds, complete = 0, 0, True
    if lots.knows_all_costs:
        cost = sum([part.cost for closing in lots.closings for part in closing.parts])
        proceeds = sum([closing.proceeds for closing in lots.closings])
    for closing in () if lots.knows_all_costs else lots.closings:
        if not closing.is_unknown:
            cost, proceeds = cost + closing.cost, proceeds + closing.proceeds
            continue
        for lot in closing.closed_lots():
            if lot.unknown:
                complete = False
            else:
                cost, proceeds = cost + lot.cost, proceeds + lot.proceeds
    fine_cost, fine_proceeds = cost * RATE_UNIT, proceeds * RATE_UNIT
    return GainTotals(fine_cost, fine_proceeds, fine_proceeds - fine_cost, 0, complete)


def open_cost(lot: OpenLot, lots: AssetLots, rates: Rates) -> int | None:
    """The cost of what is left of a purchase, in fine units; None where a rate is missing."""
    return None if lot.unknown else _cost(lot, lot.acquired_on, lots, rates)


def cost_basis(lots: AssetLots, rates: Rates) -> int | None:
    """The cost of what is left, in fine units. None where a rate is missing, or nothing says what it cost."""
    costs = [open_cost(lot, lots, rates) for lot in lots.open]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def missing_proceeds(gaps: Iterable[MissingLot], lots: AssetLots, rates: Rates) -> int | None:
    amounts = [rates.fine(gap.proceeds, lots.currency, gap.on) for gap in gaps]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
