"""Findings about holdings: what was sold and was not there, what has no cost, and actions and lots that lead nowhere.

Pure. Quantities are whole 10^-18 units, as in assets.holdings.events.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from assets.holdings.events import QUANTITY_UNIT, Action, AssetEvents, Ledger, Trade, TradeType
from assets.holdings.quantities import Quantities, quantities
from investments.calculations.lot_results import AssetLots
from investments.calculations.lots import lots
from reports.calculations.quality.codes import Code
from reports.calculations.quality.finding import Finding, Severity

A_DAY = timedelta(days=1)
_SHOWN = Context(prec=40)


def holding_findings(
    ledger: Ledger,
    asset_ids: Collection[UUID],
    *,
    on: date,
    without_units: Mapping[UUID, date | None] | None = None,
) -> list[Finding]:
    """The findings about these assets as of a day. The ledger has those that are linked to them too.

    `without_units` has the assets at a market price that never had a unit, with the day of their first value: before
    it, or without one, nothing is held.
    """
    lots_by_asset, held_by_asset = lots(ledger, on=on), quantities(ledger)
    valued_from = {pk: first_on or date.max for pk, first_on in (without_units or {}).items()}
    return [
        finding
        for asset_id in asset_ids
        if asset_id in ledger
        for finding in (
            *_missing(lots_by_asset[asset_id]),
            *_lots_not_there(lots_by_asset[asset_id]),
            *_of_its_events(ledger[asset_id], held_by_asset[asset_id], ledger, on, valued_from.get(asset_id)),
        )
    ]


def _missing(of_asset: AssetLots) -> Iterator[Finding]:
    for gap in of_asset.missing:
        units = _shown(gap.quantity)
        message = f"{units:f} more units were sold or moved than were held."
        facts = (gap.disposal_id, units)
        yield _finding(
            Code.MISSING_QUANTITY, of_asset.asset_id, gap.on, message, "warning", facts, quantity=units
        )


def _lots_not_there(of_asset: AssetLots) -> Iterator[Finding]:
    message = "It names a lot that is not there, or not enough of it: that part is sold first in, first out."
    for sale in of_asset.not_there:
        yield _finding(Code.LOT_NOT_THERE, of_asset.asset_id, sale.on, message, "note", (sale.disposal_id,))


def _of_its_events(
    asset: AssetEvents, held: Quantities, ledger: Ledger, on: date, valued_from: date | None
) -> Iterator[Finding]:
    for event in asset.events:
        if event.on > on:
            break
        if isinstance(event, Action):
            yield from _action(asset, event, held)
        else:
            yield from _trade(asset, event, held, ledger)
            if _pays_for_nothing(asset, event, held, valued_from):
                message = "There is income on a day on which nothing is held."
                facts = (event.transaction_id,)
                yield _finding(Code.INCOME_WITHOUT_HOLDING, asset.asset_id, event.on, message, "note", facts)


def _action(asset: AssetEvents, action: Action, held: Quantities) -> Iterator[Finding]:
    if action.moves and action.to_asset_id is None and held.on(action.on - A_DAY):
        message = "Its new shares have no asset in this portfolio: make one with their instrument."
        yield _finding(
            Code.ACTION_WITHOUT_ASSET, asset.asset_id, action.on, message, "warning", (action.action_id,)
        )


def _trade(asset: AssetEvents, trade: Trade, held: Quantities, ledger: Ledger) -> Iterator[Finding]:
    facts = (trade.transaction_id,)
    if not trade.amount and _comes_from_elsewhere(trade, held, ledger):
        message = "These units have no cost: enter what they cost as the amount."
        yield _finding(Code.MISSING_COST, asset.asset_id, trade.on, message, "note", facts)


def _pays_for_nothing(asset: AssetEvents, trade: Trade, held: Quantities, valued_from: date | None) -> bool:
    """Whether there is income on a day on which no unit is held, of an asset whose units are counted; or, at a market
    price and without any unit, before it has a value.
    """
    if trade.type is not TradeType.INCOME or trade.quantity is not None:
        return False
    if held.on(trade.on - A_DAY) or held.on(trade.on):
        return False
    has_units = asset.counts_units or bool(held.days)  # which an action may have brought
    return has_units or (valued_from is not None and trade.on < valued_from)


def _comes_from_elsewhere(trade: Trade, held: Quantities, ledger: Ledger) -> bool:
    """Whether units arrive without being paid for: by a correction, by a delivery (an ACQUIRE for nothing), or by a
    transfer whose other leg is not known. What ends a short sale, such as of an option, may be worth nothing.
    """
    if (trade.quantity or 0) <= 0:
        return False
    if trade.type is TradeType.TRANSFER:
        return trade.other_asset_id not in ledger
    is_delivery = trade.type is TradeType.ACQUIRE and held.on(trade.on - A_DAY) >= 0
    return is_delivery or trade.type is TradeType.ADJUST


def _shown(units: int | Fraction) -> Decimal:
    quantity = Fraction(units) / QUANTITY_UNIT
    return _SHOWN.divide(Decimal(quantity.numerator), Decimal(quantity.denominator)).normalize(_SHOWN)


def _finding(
    code: Code,
    asset_id: UUID,
    on: date,
    message: str,
    severity: Severity,
    facts: tuple[Hashable, ...],
    **params: Any,
) -> Finding:
    given: Mapping[str, Any] = {"on": on, **params}
    return Finding(code, asset_id, on, message, severity, facts=facts, params=given)
