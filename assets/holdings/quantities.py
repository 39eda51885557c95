"""How much of an asset is held on each day, from its trades and actions. Pure and exact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets.holdings.events import (
    Action,
    ActionType,
    AssetEvents,
    Ledger,
    Trade,
    TradeType,
    event_order,
    whole,
)
from assets.holdings.timeline import is_leg_out, timeline

type Units = int | Fraction  # of 10^-18; a fraction where a ratio does not divide


class MissingQuantity(NamedTuple):
    """What a trade took that was not there."""

    on: date
    transaction_id: UUID
    units: Units


@dataclass(slots=True)
class Quantities:
    """The quantity at the end of each day on which it changed, oldest first, in shares of that day.

    It holds until the next of these days: it is piecewise constant. `units` go with `days`. `at_actions` has what
    is held when an action takes effect, which is after those before it on the same day.
    """

    days: list[date] = field(default_factory=list)
    units: list[Units] = field(default_factory=list)
    missing: list[MissingQuantity] = field(default_factory=list)
    at_actions: dict[UUID, Units] = field(default_factory=dict)

    def on(self, day: date) -> Units:
        place = bisect_right(self.days, day)
        return self.units[place - 1] if place else 0

    def missing_on(self, day: date) -> Units:
        """What was missing up to the end of the day, in all."""
        return sum((gap.units for gap in self.missing if gap.on <= day), start=0)

    def set(self, day: date, units: Units) -> None:
        if self.days and self.days[-1] == day:
            self.units[-1] = units
        elif units != (self.units[-1] if self.units else 0):
            self.days.append(day)
            self.units.append(units)


def quantities(ledger: Ledger) -> dict[UUID, Quantities]:
    """The quantities of each asset. The assets that are linked to one of them have to be in the ledger too.

    Without short sales it never falls below zero: what is sold or sent away and is not there is named in `missing`.
    """
    ledger = {asset_id: _with_opening(asset) for asset_id, asset in ledger.items()}
    state = _State(ledger)
    state.follow(ledger)
    return state.steps


def corrections(ledger: Ledger, stated: Mapping[UUID, int]) -> dict[UUID, Units]:
    """What each of these ADJUST trades has to add, so that after it there is the quantity that is stated for it.

    `stated` has the ids of the trades as keys; their own quantities do not count.
    """
    state = _State(ledger, stated)
    state.follow(ledger)
    return state.corrected


def _with_opening(asset: AssetEvents) -> AssetEvents:
    """The asset with Asset.quantity as its first trade, if it counts."""
    if asset.opening_on is None or not asset.opening_quantity or asset.counts_units:
        return asset
    opening = Trade(
        asset.asset_id,
        TradeType.ADJUST,
        asset.opening_on,
        datetime.min.replace(tzinfo=UTC),
        0,
        asset.currency,
        asset.opening_quantity,
    )
    return asset._replace(events=sorted([*asset.events, opening], key=event_order))


class _State:
    def __init__(self, ledger: Ledger, stated: Mapping[UUID, int] | None = None) -> None:
        self.stated, self.corrected = stated or {}, dict[UUID, Units]()
        self.held: dict[UUID, Units] = dict.fromkeys(ledger, 0)
        self.steps = {asset_id: Quantities() for asset_id in ledger}
        self.in_transit: dict[UUID | None, Units] = {}

    def follow(self, ledger: Ledger) -> None:
        for asset_id, events in timeline(ledger):
            asset = ledger[asset_id]
            for event in events:
                if isinstance(event, Trade):
                    self.trade(asset, event)
                else:
                    self.act(asset_id, event)

    def act(self, asset_id: UUID, action: Action) -> None:
        held = self.steps[asset_id].at_actions[action.action_id] = self.held[asset_id]
        if action.type in (ActionType.SPLIT, ActionType.STOCK_DIVIDEND):
            self.add(asset_id, action.on, whole(held * action.ratio) - held)
        elif action.moves and action.to_asset_id in self.held and action.to_asset_id is not None:
            self.add(action.to_asset_id, action.on, whole(held * action.ratio))
            if action.type is ActionType.MERGER:
                self.add(asset_id, action.on, -held)

    def trade(self, asset: AssetEvents, trade: Trade) -> None:
        if self.stated and trade.transaction_id in self.stated:
            missing = self.stated[trade.transaction_id] - self.held[asset.asset_id]
            self.corrected[trade.transaction_id] = missing
            self.add(asset.asset_id, trade.on, missing)
        elif trade.closes and trade.quantity is None:
            self.add(asset.asset_id, trade.on, -self.held[asset.asset_id])
        elif trade.quantity is None or trade.type is TradeType.EXPENSE:
            return
        elif trade.type is TradeType.DISPOSE or trade.quantity < 0:
            taken = self.take(asset, trade, abs(trade.quantity))
            if is_leg_out(trade):
                self.in_transit[trade.transfer_id] = taken
        elif trade.type is TradeType.TRANSFER:
            self.add(asset.asset_id, trade.on, self.in_transit.pop(trade.transfer_id, trade.quantity))
        else:
            self.add(asset.asset_id, trade.on, trade.quantity)

    def take(self, asset: AssetEvents, trade: Trade, wanted: int) -> Units:
        held = self.held[asset.asset_id]
        taken: Units = wanted
        if not (asset.allow_short and trade.type is TradeType.DISPOSE):
            taken = min(wanted, max(held, 0))
        if taken < wanted:
            gap = MissingQuantity(trade.on, trade.transaction_id, wanted - taken)
            self.steps[asset.asset_id].missing.append(gap)
        self.add(asset.asset_id, trade.on, -taken)
        return taken

    def add(self, asset_id: UUID, on: date, units: Units) -> None:
        held = self.held[asset_id] = self.held[asset_id] + units
        self.steps[asset_id].set(on, held if isinstance(held, int) else whole(held))
