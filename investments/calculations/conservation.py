"""Whether lots lose or make anything: their sums are compared with those of the trades alone. Pure and exact.

Nothing here is how lots are calculated: what was paid and received is added up, without asking which lot was sold.

- Quantities: what is open is what `quantities` says is held, and as much is missing.
- Proceeds: those of closed lots and of what is missing are the net amounts of the sales, and what actions paid.
- Money: realised gains - cost of what is open + proceeds of what is missing + cost of what came without being paid
  = what the cash shows, which is received less paid. So cost in = cost of what remains + cost of what was sold.

Amounts are in ten-thousandths. All rates have to be 1, so that what moves to another currency keeps its figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from assets.holdings.events import QUANTITY_UNIT, Action, ActionType, AssetEvents, Ledger, Trade, TradeType
from assets.holdings.quantities import Quantities, quantities
from assets.holdings.timeline import is_leg_out
from investments.calculations.lot_results import AssetLots
from investments.calculations.lots import lots
from portfolios.lot_method import LotMethod

MONEY_UNIT = 10**4


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not agree in the lots of an asset by a method."""

    asset_id: UUID
    method: LotMethod
    about: str


def faults(ledger: Ledger) -> Iterator[Fault]:
    """What does not agree, by any method. Linked assets have to be in the ledger together."""
    held = quantities(ledger)
    for method in LotMethod:
        lots_by_asset = lots(ledger, method=method, rate_on=rate_of_one)
        left = costs_that_left(lots_by_asset)
        for asset_id, asset in ledger.items():
            for about in of_asset(asset, lots_by_asset[asset_id], held[asset_id], left[asset_id]):
                yield Fault(asset_id, method, about)


def rate_of_one(source: str, target: str, on: date) -> Fraction:
    return Fraction(1)


def costs_that_left(lots_by_asset: Mapping[UUID, AssetLots]) -> Mapping[UUID, int]:
    """By asset the cost of what arrived elsewhere."""
    left: defaultdict[UUID, int] = defaultdict(int)
    for of_asset in lots_by_asset.values():
        for arrival in of_asset.arrivals:
            left[arrival.from_asset_id] += arrival.cost
    return left


def of_asset(asset: AssetEvents, asset_lots: AssetLots, held: Quantities, left: int) -> Iterator[str]:
    """What is wrong. Of an asset whose quantity was entered and follows from no transaction, lots know nothing."""
    if asset.opening_quantity and not asset.counts_units:
        return
    if asset.counts_units or asset_lots.arrivals:
        if asset_lots.quantity != (held.units[-1] if held.units else 0):
            yield "the quantity of the open lots is not what is held"
        if sum(gap.quantity for gap in asset_lots.missing) != sum(gap.units for gap in held.missing):
            yield "the missing quantity of the lots is not that of the transactions"
    if any(lot.disposed_on < lot.acquired_on for lot in asset_lots.closed):
        yield "a lot was sold before it was bought"
    received, paid, given = received_of(asset, held), paid_of(asset), given_of(asset, asset_lots)
    proceeds = sum(lot.proceeds for lot in asset_lots.closed) + sum(
        gap.proceeds for gap in asset_lots.missing
    )
    if not asset.allow_short and proceeds + asset_lots.paid_back != received:
        yield "the proceeds of the lots are not those of the sales"
    if any(is_leg_out(trade) and trade.other_asset_id is None for trade in trades_of(asset)):
        return  # the asset to which lots went was deleted, and their cost with it
    realised = sum(lot.proceeds - lot.cost for lot in asset_lots.closed)
    missing = sum(gap.proceeds for gap in asset_lots.missing)
    if realised - asset_lots.cost + missing + given - left != received - paid:
        yield "gains, cost and what is missing are not what the cash shows"


def received_of(asset: AssetEvents, held: Quantities) -> int:
    """The net amounts of sales, and what actions paid for the shares that were held when their day began."""
    received = 0
    for event in asset.events:
        if isinstance(event, Action):
            received += cash_of(event, held)
        elif event.type is TradeType.DISPOSE:
            received += event.amount - event.fee - event.tax
    return received


def cash_of(action: Action, held: Quantities) -> int:
    is_paid = action.type is ActionType.RETURN_OF_CAPITAL or (
        action.type is ActionType.MERGER and action.to_asset_id is not None
    )
    if not is_paid:
        return 0
    paid: Fraction = action.cash * MONEY_UNIT * held.at_actions[action.action_id] / QUANTITY_UNIT
    return round(paid)


def paid_of(asset: AssetEvents) -> int:
    purchases = (each for each in trades_of(asset) if each.type is TradeType.ACQUIRE)
    return sum(each.amount + each.fee + each.tax for each in purchases)


def given_of(asset: AssetEvents, asset_lots: AssetLots) -> int:
    """The cost of what came without being paid here: income in kind, adjustments, and what other assets sent."""
    given = sum(arrival.cost for arrival in asset_lots.arrivals)
    for trade in trades_of(asset):
        is_in_kind = trade.type in (TradeType.INCOME, TradeType.ADJUST) and (trade.quantity or 0) > 0
        is_from_elsewhere = (
            trade.type is TradeType.TRANSFER and (trade.quantity or 0) > 0 and trade.other_asset_id is None
        )
        if is_in_kind or is_from_elsewhere:
            given += trade.amount
    return given


def trades_of(asset: AssetEvents) -> Iterator[Trade]:
    return (event for event in asset.events if isinstance(event, Trade))
