"""Checks the lots that a sale names against those that the asset has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from assets.holdings.events import Action, ActionType, Ledger, Trade, TradeType, quantity_of
from assets.holdings.reading import read_ledger
from assets.models import Asset, Transaction
from assets.rules.entries.lots import validate_lots

OPENS = (TradeType.ACQUIRE, TradeType.INCOME, TradeType.ADJUST)
IN_SHARES_OF_THE_DAY = (ActionType.SPLIT, ActionType.STOCK_DIVIDEND)


def check_chosen_lots(
    asset: Asset,
    values: Mapping[str, Any],
    row: Transaction | None = None,
    *,
    ledger: Ledger | None = None,
) -> None:
    """Refuses a choice of lots with 400 on `lots`. `row` is as stored, None for a new transaction.

    An edit of something else is never refused for the lots that were chosen before. `ledger` is that of the asset,
    where the caller has read it.
    """
    if not values.get("lots"):
        return
    on: date = values.get("on") or (row.on if row else None)  # type: ignore[assignment]  # a new one has a day
    if ledger is None:
        ledger = read_ledger([asset.pk])
    validate_lots(
        added_up(values["lots"]),
        transaction_type=values.get("type", getattr(row, "type", "")),
        quantity=values.get("quantity", getattr(row, "quantity", None)),
        held=lots_of(ledger, asset.pk, on, but=row.pk if row else None),
    )


def added_up(lots: Iterable[Mapping[str, str]]) -> dict[UUID, Decimal]:
    chosen: dict[UUID, Decimal] = {}
    for lot in lots:
        transaction_id = UUID(lot["transaction_id"])
        chosen[transaction_id] = chosen.get(transaction_id, Decimal(0)) + Decimal(lot["quantity"])
    return chosen


def lots_of(ledger: Ledger, asset_id: UUID, on: date, *, but: UUID | None) -> dict[UUID, Fraction | None]:
    """How much is left of each lot of the asset on the day, in shares of that day, without the sale `but`.

    What sales before it take without naming lots, they take first in, first out: as when lots are chosen. Where lots
    have come by a transfer, that is not counted: they may be older. None for the lots of other assets.
    """
    events = ledger[asset_id].events if asset_id in ledger else ()
    left: dict[UUID, Fraction] = {}
    is_before = True
    for event in events:
        if event.on > on:
            break
        if isinstance(event, Action):
            if event.type in IN_SHARES_OF_THE_DAY:
                left = {pk: units * event.ratio for pk, units in left.items()}
        elif event.transaction_id == but:
            is_before = False
        elif opens_lot(event):
            left[event.transaction_id] = quantity_of(event.quantity or 0)
        else:
            is_before = is_before and not arrives(event)
            take(event, left, also_unnamed=is_before)
    return {**dict.fromkeys(lots_of_others(ledger, asset_id, on)), **left}


def take(sale: Trade, left: dict[UUID, Fraction], *, also_unnamed: bool) -> None:
    """Take what a sale names of each lot; then, first in, first out, the rest of what it sells."""
    rest = quantity_of(units_out(sale))
    for lot in sale.lots:
        taken = min(left.get(lot.transaction_id, Fraction(0)), quantity_of(lot.quantity))
        if taken > 0:
            left[lot.transaction_id] -= taken
            rest -= taken
    if not also_unnamed:
        return
    for pk, units in left.items():
        taken = max(min(units, rest), Fraction(0))
        left[pk] = units - taken
        rest -= taken


def units_out(trade: Trade) -> int:
    """What a trade takes away, in whole 10^-18 units."""
    if trade.type is TradeType.DISPOSE:
        return trade.quantity or 0
    return max(0, -(trade.quantity or 0)) if trade.type in (TradeType.ADJUST, TradeType.TRANSFER) else 0


def arrives(trade: Trade) -> bool:
    return trade.type is TradeType.TRANSFER and (trade.quantity or 0) > 0


def opens_lot(trade: Trade) -> bool:
    return trade.type in OPENS and (trade.quantity or 0) > 0


def lots_of_others(ledger: Ledger, asset_id: UUID, on: date) -> Iterable[UUID]:
    for other_id, other in ledger.items():
        if other_id == asset_id:
            continue
        for event in other.events:
            if isinstance(event, Trade) and event.on <= on and opens_lot(event):
                yield event.transaction_id
