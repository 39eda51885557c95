"""Which changes of an asset are money that moved, day by day, in the reporting currency. Pure.

Definitions: decisions of the report of change (reports.calculations.change), by day:

- At a value asset money moves by transactions: ACQUIRE and EXPENSE come in, DISPOSE and INCOME go out. A first value
  without a purchase is added (in), a disposal without a sale is removed (out).
- A change of the household's share comes in or goes out, on a day without a trade; of a balance asset it is a flow of
  its own.
- What moves to another asset is a flow of both, of the value that it has there on that day; without a value, its cost.
  Of an asset that moves whole it is the amount of the legs, which is its value on that day.
- At a balance asset the flow is the change of the balance less income plus expenses.

For a single asset, taxes are left out of its flows: they are the owner's, not the asset's (Portfolio Performance).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets.holdings.events import QUANTITY_UNIT, Action, ActionType, AssetEvents, Trade, TradeType
from assets.holdings.quantities import Quantities
from assets.valuation.formulas.shares import ShareChange
from assets.valuation.series import ValueSeries, ten_thousandths
from investments.calculations.lot_book import Units
from investments.calculations.lot_results import AssetLots
from investments.calculations.reported import Rates, half_even
from investments.calculations.reported import ten_thousandths as rounded

MONEY_UNIT = 10**4
# A member of an enum is looked up each time that it is named through its class: that is a tenth of all the time.
ACQUIRE, DISPOSE, TRANSFER = TradeType.ACQUIRE, TradeType.DISPOSE, TradeType.TRANSFER
INCOME, EXPENSE = TradeType.INCOME, TradeType.EXPENSE
TRADES = (ACQUIRE, DISPOSE, TRANSFER)


@dataclass(slots=True)
class DayFlow:
    """What came in and what went out on a day, in fine units."""

    inflow: int = 0
    outflow: int = 0


@dataclass(slots=True)
class Flows:
    """The flows of one asset by day; `complete` is false where a rate is missing."""

    days: defaultdict[date, DayFlow] = field(default_factory=lambda: defaultdict(DayFlow))
    complete: bool = True

    def add(self, on: date, amount: int | None) -> None:
        """Money that comes in; negative for what goes out."""
        if amount is None:
            self.complete = False
        elif amount > 0:
            self.days[on].inflow += amount
        elif amount < 0:
            self.days[on].outflow -= amount


@dataclass(frozen=True, slots=True)
class Window:
    """The days after `start` up to `end`. `with_taxes`: whether taxes are part of the flows."""

    start: date
    end: date
    rates: Rates
    with_taxes: bool = True

    def has(self, on: date) -> bool:
        return self.start < on <= self.end

    def costs(self, trade: Trade) -> int:
        return trade.fee + trade.tax if self.with_taxes else trade.fee


class Moved(NamedTuple):
    """What came from another asset (positive) or went to one, in ten-thousandths of `currency`."""

    on: date
    amount: int
    currency: str


class Moving(NamedTuple):
    """So many units that arrive at an asset on a day."""

    asset_id: UUID
    on: date
    quantity: Units


def moved_amounts(
    lots_by_asset: Mapping[UUID, AssetLots], worth_of: Callable[[Moving], int | None]
) -> dict[UUID, list[Moved]]:
    """For each asset what moved to and from others. `worth_of` gives ten-thousandths; without them it is the cost."""
    moved: defaultdict[UUID, list[Moved]] = defaultdict(list)
    for asset_id, lots in lots_by_asset.items():
        for source_id, on, quantity, cost in lots.arrivals:
            if not quantity:
                continue  # of an asset that moves whole, the legs have what moves
            worth = worth_of(Moving(asset_id, on, quantity))
            amount = cost if worth is None else worth
            moved[asset_id].append(Moved(on, amount, lots.currency))
            moved[source_id].append(Moved(on, -amount, lots.currency))
    return moved


def value_asset_flows(
    asset: AssetEvents,
    values: ValueSeries,
    window: Window,
    held: Quantities | None = None,
    moved: Sequence[Moved] = (),
    shares: Sequence[ShareChange] = (),
    *,
    is_at_market: bool = False,
) -> Flows:
    """The flows of an asset whose value changes by itself.

    A trade before its first value counts on the day of that value; but at a market price (`is_at_market`) on its own
    day: units that are sold on the day on which they were bought never have a value. `held` is for what actions pay for
    a share, and `moved` what came from other assets and went to them. `shares` are the changes of the share in the
    window. What was bought while no price counted is not added later.
    """
    flows = Flows()
    bought_on = {each.on for each in moved if each.amount > 0}
    sold_on = {each.on for each in moved if each.amount < 0}
    start, end, rates, with_taxes = window.start, window.end, window.rates, window.with_taxes
    fine, currency, rate_of = rates.fine, asset.currency, rates.into_target(asset.currency)
    begins_on = values.days[0] if values.days else None
    for each in moved:
        if window.has(each.on):
            flows.add(each.on, fine(each.amount, each.currency, each.on))
    for event in asset.events:
        if isinstance(event, Action):
            if window.has(event.on) and held is not None:
                flows.add(event.on, fine(-cash_of(event, held), asset.currency, event.on))
            continue
        _, kind, on, _, _, paid_in, quantity, amount, fee, tax, _, closes, _, _ = event
        is_trade = kind is ACQUIRE or kind is DISPOSE
        if kind is TRANSFER:
            if quantity is not None:
                continue  # what it moves is in `moved`
            is_trade = True
        if is_trade and not is_at_market:
            if begins_on is None:
                continue
            on = max(on, begins_on)
        if not start < on <= end:
            continue
        if kind is ACQUIRE or (kind is INCOME and quantity):
            bought_on.add(on)
        elif kind is DISPOSE:
            sold_on.add(on)
        elif kind is TRANSFER:
            (sold_on if closes else bought_on).add(on)
            flows.add(on, fine(_moved_whole(event, values, on), paid_in, on))
            continue
        if brought := _brought(kind, quantity, amount, fee + tax if with_taxes else fee):
            rate = (rate_of if paid_in == currency else rates.into_target(paid_in))[on]
            flows.add(on, None if rate is None else brought * rate)
    for change in untraded(shares, asset):
        flows.add(change.on, fine(change.amount, values.currency, change.on))
    for on, value in _at_its_ends(values, bought_on, sold_on):
        if window.has(on):
            flows.add(on, fine(value, values.currency, on))
    return flows


def _at_its_ends(
    values: ValueSeries, bought_on: Collection[date], sold_on: Collection[date]
) -> Iterator[tuple[date, int]]:
    """The first value comes in, unless that was bought; what it is worth before its disposal goes out, unless sold.

    What is below zero was opened by a short sale, and is closed by a purchase.
    """
    first_on, gone_on = values.without_gaps().first_on, values.disposed_on
    if first_on is None:
        return
    first_value = _value(values, first_on)
    opened_on = {*bought_on, *sold_on} if first_value < 0 else bought_on
    if not any(values.days[0] <= on <= first_on for on in opened_on):
        yield first_on, first_value
    if gone_on is not None:
        last_value = _value(values, day_before(gone_on))
        if gone_on not in sold_on and not (last_value < 0 and gone_on in bought_on):
            yield gone_on, -last_value


def untraded(shares: Sequence[ShareChange], asset: AssetEvents) -> list[ShareChange]:
    """Those on days without a trade or a transfer: on the others that is the flow."""
    if not shares:
        return []
    traded_on = {event.on for event in asset.events if isinstance(event, Trade) and event.type in TRADES}
    return [change for change in shares if change.on not in traded_on]


def _brought(kind: TradeType, quantity: int | None, amount: int, costs: int) -> int:
    """What a trade brings into a value asset, in its own currency; negative for what it takes out."""
    if kind is ACQUIRE or kind is EXPENSE:
        return amount + costs
    if kind is DISPOSE:
        return costs - amount
    if kind is INCOME:
        return costs if quantity else costs - amount  # income in kind stays in the asset
    return 0


def _moved_whole(leg: Trade, values: ValueSeries, on: date) -> int:
    """What a leg of an asset that moves whole brings. A debt that comes is negative, as its value is."""
    return leg.amount if leg.closes is values.is_debt_on(on) else -leg.amount


def cash_of(action: Action, held: Quantities) -> int:
    """What an action pays for the shares that are held when it takes effect, in ten-thousandths.

    A merger into shares that no asset could receive has no effect.
    """
    has_effect = not action.moves or action.to_asset_id is not None
    if action.type not in (ActionType.MERGER, ActionType.RETURN_OF_CAPITAL) or not has_effect:
        return 0
    paid = action.cash * MONEY_UNIT * Fraction(held.at_actions.get(action.action_id, 0)) / QUANTITY_UNIT
    return half_even(paid.numerator, paid.denominator)


def day_before(on: date) -> date:
    return on - timedelta(days=1)


def _value(values: ValueSeries, on: date) -> int:
    return ten_thousandths(values.value_on(on) or 0)


def balance_asset_flows(
    asset: AssetEvents, values: ValueSeries, window: Window, shares: Sequence[ShareChange] = ()
) -> Flows:
    """The flows of an account or a loan. Of one asset alone, taxes that it paid went out."""
    by_day: defaultdict[date, int] = defaultdict(int)
    flows = Flows()
    balance = ten_thousandths(values.value_on(window.start) or 0)
    for on, value in values.steps(window.start, window.end):
        if on > window.start:
            _add(by_day, flows, on, window.rates.fine(ten_thousandths(value) - balance, values.currency, on))
        balance = ten_thousandths(value)
    for event in asset.events:
        if isinstance(event, Trade) and window.has(event.on):
            earned = event.amount if event.type is TradeType.INCOME else 0
            paid = window.costs(event) + (event.amount if event.type is TradeType.EXPENSE else 0)
            _add(by_day, flows, event.on, window.rates.fine(paid - earned, event.currency, event.on))
    for change in untraded(shares, asset):
        moved = window.rates.fine(change.amount, values.currency, change.on)
        _add(by_day, flows, change.on, None if moved is None else -moved)  # the balance has changed by it
        flows.add(change.on, moved)
    for on, amount in by_day.items():
        flows.add(on, amount)
    return flows


def _add(by_day: defaultdict[date, int], flows: Flows, on: date, amount: int | None) -> None:
    if amount is None:
        flows.complete = False
    else:
        by_day[on] += amount


def gross(flows: Flows) -> dict[date, tuple[int, int]]:
    """Of one asset: what came in and what went out on each day, in ten-thousandths."""
    return {on: (rounded(flow.inflow), rounded(flow.outflow)) for on, flow in flows.days.items()}


def net_of_all(all_flows: Iterable[Flows]) -> dict[date, tuple[int, int]]:
    """Of several assets: the sum of each day, as what came in or as what went out, in ten-thousandths."""
    sums: defaultdict[date, int] = defaultdict(int)
    for flows in all_flows:
        for on, flow in flows.days.items():
            sums[on] += flow.inflow - flow.outflow
    totals: Mapping[date, int] = {on: rounded(amount) for on, amount in sums.items()}
    return {on: (max(amount, 0), max(-amount, 0)) for on, amount in totals.items() if amount}
