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
from assets.rules.lots import validate_lots

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

    What other sales take without naming lots is not counted: which lots these are depends on the method. None for the
    lots of other assets, which may have come by a transfer.
    """
    events = ledger[asset_id].events if asset_id in ledger else ()
    left: dict[UUID, Fraction | None] = {}
    for event in events:
        if event.on > on:
            break
        if isinstance(event, Action):
            if event.type in IN_SHARES_OF_THE_DAY:
                left = {pk: None if units is None else units * event.ratio for pk, units in left.items()}
            continue
        if event.transaction_id == but:
            continue
        if opens_lot(event):
            left[event.transaction_id] = quantity_of(event.quantity or 0)
        for lot in event.lots:
            units = left.get(lot.transaction_id)
            if units is not None:
                left[lot.transaction_id] = units - quantity_of(lot.quantity)
    return {**dict.fromkeys(lots_of_others(ledger, asset_id, on)), **left}


def opens_lot(trade: Trade) -> bool:
    return trade.type in OPENS and (trade.quantity or 0) > 0


def lots_of_others(ledger: Ledger, asset_id: UUID, on: date) -> Iterable[UUID]:
    for other_id, other in ledger.items():
        if other_id == asset_id:
            continue
        for event in other.events:
            if isinstance(event, Trade) and event.on <= on and opens_lot(event):
                yield event.transaction_id
