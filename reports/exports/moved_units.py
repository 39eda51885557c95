"""Units that moved from one asset to another, for programs that know no transfers: which lots, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets.holdings.events import Trade, TradeType
from investments.calculations.lot_results import AssetLots
from investments.calculations.lots import lots
from investments.queries.holdings import book_of
from investments.queries.ledgers import invested_assets, ledger_of
from portfolios.models import Portfolio
from strata.fields.numbers import MONEY_PLACES


class MovedLot(NamedTuple):
    """`part` is that of all units of the transfer; the cost is in the currency of the assets."""

    part: Fraction
    cost: Decimal


def moved_lots(
    portfolio: Portfolio, asset_ids: Iterable[UUID], today: date
) -> dict[UUID | None, list[MovedLot]]:
    """The lots of each transfer, by its id. Those that were not there are no part of it."""
    assets = invested_assets([portfolio.pk], list(asset_ids), include_all=True)
    ledger = ledger_of(assets.values())
    book = book_of(assets.values(), ledger, [portfolio], None, today)
    lots_by_asset = lots(ledger, on=today, rate_on=book.rate_or_none)
    arrived: dict[UUID | None, list[MovedLot]] = {}
    for pk, events in ledger.items():
        trades = (event for event in events.events if isinstance(event, Trade))
        arriving = [
            trade for trade in trades if trade.type is TradeType.TRANSFER and (trade.quantity or 0) > 0
        ]
        arrived |= arrivals_of(arriving, lots_by_asset[pk])
    return arrived


def arrivals_of(arriving: Iterable[Trade], of_asset: AssetLots) -> dict[UUID | None, list[MovedLot]]:
    """Lots arrive in the order of their transfers: each has as many as its quantity, or those that were there."""
    left, arrived = list(of_asset.arrivals), dict[UUID | None, list[MovedLot]]()
    for trade in arriving:
        whole = trade.quantity or 0
        wanted = Fraction(whole)
        own = arrived.setdefault(trade.transfer_id, [])
        for lot in [lot for lot in left if (lot.from_asset_id, lot.on) == (trade.other_asset_id, trade.on)]:
            if lot.quantity > wanted:
                break
            wanted -= lot.quantity
            own.append(MovedLot(Fraction(lot.quantity) / whole, Decimal(lot.cost).scaleb(-MONEY_PLACES)))
            left.remove(lot)
    return arrived
