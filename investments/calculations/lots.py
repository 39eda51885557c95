"""The lots of assets: what each purchase cost, and what it was sold for. Pure and exact; lots are never stored.

Quantities are in 10^-18, in shares of their day; costs and proceeds in ten-thousandths of the asset's own currency,
with fees and taxes. A short sale opens a lot with a negative quantity, and with the proceeds as its negative cost.

Rules, where sources differ (measures.md; cases of Portfolio Performance, beancount and others are in the tests):
- Without short sales, what is sold beyond what is held is in `missing`, and not in any gain.
- A transaction without a quantity (a house) opens a lot of no quantity, which the asset's disposal closes.
- An action changes what is open at the start of its day; its parts of cost are rounded down, and conserved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from uuid import UUID

from assets.holdings.events import (
    QUANTITY_UNIT,
    Action,
    ActionType,
    AssetEvents,
    Event,
    Ledger,
    Trade,
    TradeType,
)
from assets.holdings.timeline import is_leg_out, timeline
from investments.calculations.lot_book import (
    BOOKS,
    AveragePool,
    Lot,
    LotBook,
    Order,
    Part,
    Units,
    shared_out,
    times,
)
from investments.calculations.lot_results import (
    Arrival,
    AssetLots,
    Closing,
    LotNotThere,
    MissingLot,
    OpenLot,
)
from portfolios.lot_method import LotMethod

type RateOn = Callable[[str, str, date], Fraction | None]  # of one currency in another on a day

type Transit = dict[UUID | None, tuple[UUID, list[Lot]]]  # by transfer, where the lots come from

# A member of an enum is looked up each time that it is named through its class: that is a tenth of all the time.
ACQUIRE, DISPOSE, ADJUST = TradeType.ACQUIRE, TradeType.DISPOSE, TradeType.ADJUST
INCOME, TRANSFER, SPECIFIC = TradeType.INCOME, TradeType.TRANSFER, LotMethod.SPECIFIC
MONEY_UNIT = 10**4
REPORTED_UNIT = 10**14  # a pool's cost in the reporting currency is kept in 10^-18, and cut there


def lots(
    ledger: Ledger,
    *,
    on: date = date.max,
    method: LotMethod | None = None,
    currency: str | None = None,
    rate_on: RateOn | None = None,
) -> dict[UUID, AssetLots]:
    """The lots of each asset at the end of the day `on`. Assets linked to one of them have to be in the ledger too.

    `method` is applied as if every asset had it. `currency` is the reporting currency: average cost needs it, because
    its pool mixes the costs of several days. `rate_on` gives rates; without it no other currency has any.
    """
    holdings = {
        pk: _Holding(asset, method or asset.method, currency or asset.currency, rate_on)
        for pk, asset in ledger.items()
    }
    transit: Transit = {}
    for asset_id, events in timeline(ledger, until=on):
        holdings[asset_id].follow(events, transit, holdings)
    return {pk: holding.result() for pk, holding in holdings.items()}


class _Holding:
    """The state of one asset while its events are gone through."""

    def __init__(self, asset: AssetEvents, method: LotMethod, reporting: str, rate_on: RateOn | None) -> None:
        self.asset, self.method, self.rate_on = asset, method, rate_on
        self.currency, self.reporting = asset.currency, reporting
        self.longs, self.shorts = self.new_book(), self.new_book()
        self.uncounted: list[Lot] = []
        self.lots = AssetLots(asset.asset_id, asset.currency, method)

    def new_book(self) -> LotBook:
        if self.method is LotMethod.AVERAGE and self.reporting != self.asset.currency:
            return AveragePool(self.reported_cost)
        return BOOKS[self.method]()

    def reported_cost(self, on: date, cost: int) -> int | None:
        rate = self.rate_on and self.rate_on(self.asset.currency, self.reporting, on)
        return None if rate is None else round(cost * rate * REPORTED_UNIT)

    def follow(self, events: Iterable[Event], transit: Transit, holdings: Mapping[UUID, _Holding]) -> None:
        """Purchases, and sales of what is held, are looked at here: the calls for each take longer than they do."""
        longs, shorts, currency, closings = self.longs, self.shorts, self.currency, self.lots.closings
        for event in events:
            if isinstance(event, Action):
                self.act(event, holdings)
                continue
            transaction_id, kind, on, at, position, paid_in, quantity, amount, fee, tax, _, _, _, _ = event
            if not quantity or paid_in != currency:
                self.trade(event, transit)
            elif kind is ACQUIRE and not shorts.units:
                longs.add(Lot((on, at, position, transaction_id), quantity, amount + fee + tax))
            elif kind is DISPOSE and quantity <= longs.units and not (event.lots or event.closes):
                unknown = longs.mixes_unknown
                closings.append(
                    Closing(longs.take(quantity), transaction_id, on, amount - fee - tax, unknown)
                )
            else:
                self.trade(event, transit)

    # --- trades ---

    def trade(self, trade: Trade, transit: Transit) -> None:
        kind, quantity = trade.type, trade.quantity
        if kind is ACQUIRE:
            self.buy(trade, quantity or 0, *self.own(trade, trade.amount + trade.fee + trade.tax))
        elif kind is DISPOSE:
            self.sell(trade, quantity or 0, *self.own(trade, trade.amount - trade.fee - trade.tax))
        elif kind is INCOME and quantity:
            self.buy(trade, quantity, *self.own(trade, trade.amount))
        elif kind is TRANSFER:
            self.transfer(trade, transit)
        elif kind is ADJUST and quantity:
            if quantity > 0:
                self.buy(trade, quantity, *self.own(trade, trade.amount))
            else:
                held = min(-quantity, self.longs.units)
                self.miss(trade, -quantity, held, 0)
                self.close(trade, self.longs, held, 0)

    def own(self, trade: Trade, amount: int) -> tuple[int, bool]:
        """The amount in the asset's currency at the rate of the day, and whether there is none."""
        if trade.currency == self.currency or not amount:
            return amount, False
        rate = self.rate_on and self.rate_on(trade.currency, self.currency, trade.on)
        if rate is None:
            self.lots.missing_rates.append((trade.currency, trade.on))
            return 0, True
        return round(amount * rate), False

    def open(self, lot: Lot, by: UUID, on: date) -> None:
        """Add a lot. It closes what is open with the other sign: what is held short, or, for a short lot, what is held.

        `by` is the transaction or the action by which it comes.
        """
        if lot.unknown:
            self.lots.knows_all_costs = False
        if not lot.quantity:
            self.uncounted.append(lot)
            return
        is_long = lot.quantity > 0
        book, opposite = (self.longs, self.shorts) if is_long else (self.shorts, self.longs)
        if opposite.units:
            covered = (min if is_long else max)(lot.quantity, -opposite.units)
            cover = lot.take(covered)
            unknown = lot.unknown or opposite.mixes_unknown
            self.add_closed(opposite.take(-covered), by, on, -cover.cost, unknown)
            if not lot.rest:
                return
            _, quantity, cost, reported = lot.left()
            lot = Lot(lot.order, quantity, cost, lot.unknown, reported)
        book.add(lot)

    def buy(self, trade: Trade, quantity: int, cost: int, unknown: bool) -> None:
        self.open(Lot(order_of(trade), quantity, cost, unknown), trade.transaction_id, trade.on)

    def sell(self, trade: Trade, quantity: int, proceeds: int, unknown: bool) -> None:
        if not quantity or (trade.closes and self.uncounted):
            if trade.closes and (self.uncounted or self.longs.units):
                self.close_all(trade, proceeds, unknown)
            else:
                self.lots.missing.append(MissingLot(trade.transaction_id, trade.on, quantity, proceeds))
            return
        held = self.longs.units
        if quantity <= held:
            self.close(trade, self.longs, quantity, proceeds, unknown)
            return
        of_held, of_rest = shared_out(proceeds, [held, quantity - held])
        self.close(trade, self.longs, held, of_held, unknown)
        if self.asset.allow_short:
            lot = Lot(order_of(trade), held - quantity, -of_rest, unknown)
            self.open(lot, trade.transaction_id, trade.on)
        else:
            self.miss(trade, quantity, held, of_rest)

    def miss(self, trade: Trade, quantity: int, held: Units, proceeds: int) -> None:
        if held < quantity:
            gap = MissingLot(trade.transaction_id, trade.on, quantity - held, proceeds)
            self.lots.missing.append(gap)

    def close(
        self, trade: Trade, book: LotBook, quantity: Units, proceeds: int, unknown: bool = False
    ) -> None:
        parts = self.take(trade, book, quantity)
        if parts:
            self.add_closed(parts, trade.transaction_id, trade.on, proceeds, unknown or book.mixes_unknown)

    def take(self, trade: Trade, book: LotBook, quantity: Units) -> list[Part]:
        if not trade.lots or self.method is not SPECIFIC:
            return book.take(quantity)
        named = book.take_named(trade.lots, quantity)
        taken = sum((part.units for part in named), start=0)
        if taken < min(quantity, sum(choice.quantity for choice in trade.lots)):
            self.lots.not_there.append(LotNotThere(trade.transaction_id, trade.on))
        return named + book.take(quantity - taken)

    def close_all(self, trade: Trade, proceeds: int, unknown: bool) -> None:
        """The disposal of all, whatever its quantity: by quantity, or by cost where nothing is counted."""
        parts = [*self.longs.parts(), *(Part(lot, 0, lot.cost, lot.reported) for lot in self.uncounted)]
        unknown = unknown or self.longs.mixes_unknown
        self.longs.replace([])
        self.uncounted = []
        self.add_closed(parts, trade.transaction_id, trade.on, proceeds, unknown)

    def add_closed(
        self, parts: list[Part], disposal_id: UUID, on: date, proceeds: int, unknown: bool = False
    ) -> None:
        if unknown:
            self.lots.knows_all_costs = False
        self.lots.closings.append(Closing(parts, disposal_id, on, proceeds, unknown))

    # --- what moves to another asset ---

    def transfer(self, trade: Trade, transit: Transit) -> None:
        quantity = trade.quantity or 0
        if is_leg_out(trade):
            held = min(-quantity, self.longs.units)
            self.miss(trade, -quantity, held, 0)
            unknown = self.longs.mixes_unknown
            moved = [
                Lot(lot.order, units, cost, unknown or lot.unknown, reported)
                for lot, units, cost, reported in self.take(trade, self.longs, held)
            ]
            if trade.quantity is None:
                moved, self.uncounted = self.uncounted, []
            transit[trade.transfer_id] = self.asset.asset_id, moved
        elif trade.transfer_id in transit:
            source_id, moved = transit.pop(trade.transfer_id)
            for lot in moved:
                self.lots.arrivals.append(Arrival(source_id, trade.on, lot.quantity, lot.cost))
                self.open(lot, trade.transaction_id, trade.on)
        elif quantity:
            self.buy(trade, quantity, *self.own(trade, trade.amount))

    # --- corporate actions ---

    def act(self, action: Action, holdings: Mapping[UUID, _Holding]) -> None:
        target = None if action.to_asset_id is None else holdings.get(action.to_asset_id)
        for book in (self.longs, self.shorts):
            if not book.units:
                continue
            if action.type in (ActionType.SPLIT, ActionType.STOCK_DIVIDEND):
                book.scale(action.ratio)
            elif action.type is ActionType.RETURN_OF_CAPITAL:
                book.replace(list(self.paid_back(action, book.parts())))
            elif target is not None and action.type is ActionType.SPIN_OFF:
                book.replace(list(self.spun_off(action, book.parts(), target)))
            elif target is not None and action.type is ActionType.MERGER:
                parts = book.parts()
                book.replace([])
                self.merge(action, parts, target)

    def paid_back(self, action: Action, parts: list[Part]) -> Iterator[Lot]:
        """Lots with less cost: the part of the payment that is above a lot's cost closes nothing, and is a gain."""
        total = round(action.cash * MONEY_UNIT * sum((part.units for part in parts), start=0) / QUANTITY_UNIT)
        for part, paid in zip(parts, shared_out(total, [part.units for part in parts]), strict=True):
            lowered = lowered_by(paid, part.cost)
            self.lots.paid_back += lowered
            if paid != lowered:
                self.add_closed([Part(part.lot, 0, 0, None)], action.action_id, action.on, paid - lowered)
            reported = part.reported
            if reported is not None:
                reported = reported * (part.cost - lowered) // part.cost if part.cost else 0
            yield Lot(part.lot.order, part.units, part.cost - lowered, part.lot.unknown, reported)

    def spun_off(self, action: Action, parts: list[Part], target: _Holding) -> Iterator[Lot]:
        for lot, units, cost, reported in parts:
            moved, moved_reported = divided(cost, reported, action.cost_ratio)
            target.receive(
                self, action, Lot(lot.order, times(units, action.ratio), moved, lot.unknown, moved_reported)
            )
            rest = None if reported is None or moved_reported is None else reported - moved_reported
            yield Lot(lot.order, units, cost - moved, lot.unknown, rest)

    def merge(self, action: Action, parts: list[Part], target: _Holding) -> None:
        """All lots move, less the part of their cost that is closed against the cash."""
        total = round(action.cash * MONEY_UNIT * sum((part.units for part in parts), start=0) / QUANTITY_UNIT)
        closed = []
        for lot, units, cost, reported in parts:
            for_cash, for_cash_reported = divided(cost, reported, action.cost_ratio)
            closed.append(Part(lot, times(units, action.cost_ratio), for_cash, for_cash_reported))
            rest = None if reported is None or for_cash_reported is None else reported - for_cash_reported
            target.receive(
                self, action, Lot(lot.order, times(units, action.ratio), cost - for_cash, lot.unknown, rest)
            )
        if total or action.cost_ratio:
            shares = shared_out(total, [part.units for part in parts])
            for part, share in zip(closed, shares, strict=True):
                self.add_closed([part], action.action_id, action.on, share)

    def receive(self, source: _Holding, action: Action, lot: Lot) -> None:
        """A lot of another asset; its cost is converted at the rate of the lot's day, so that it stays the same."""
        if source.asset.currency != self.asset.currency and lot.cost:
            rate = self.rate_on and self.rate_on(source.asset.currency, self.asset.currency, lot.order[0])
            if rate is None:
                self.lots.missing_rates.append((source.asset.currency, lot.order[0]))
            lot.cost, lot.unknown = (0, True) if rate is None else (round(lot.cost * rate), lot.unknown)
        self.lots.arrivals.append(Arrival(source.asset.asset_id, action.on, lot.quantity, lot.cost))
        self.open(lot, action.action_id, action.on)

    # --- the result ---

    def result(self) -> AssetLots:
        parts = [*self.longs.parts(), *self.shorts.parts()]
        parts += [Part(lot, 0, lot.cost, lot.reported) for lot in self.uncounted]
        mixed = self.longs.mixes_unknown
        self.lots.open = [
            OpenLot(lot.order[3], lot.order[0], units, cost, reported, lot.unknown or mixed)
            for lot, units, cost, reported in sorted(parts, key=lambda part: part.lot.order)
        ]
        return self.lots


def order_of(trade: Trade) -> Order:
    return trade.on, trade.at, trade.position, trade.transaction_id


def lowered_by(paid: int, cost: int) -> int:
    """By how much a payment lowers a cost: at most to zero. That of a short lot is negative, as its payment is.

    A short sale whose costs were above its proceeds has a cost of the other sign, which nothing lowers.
    """
    return max(min(paid, cost), 0) if paid > 0 else min(max(paid, cost), 0)


def divided(cost: int, reported: int | None, ratio: Fraction) -> tuple[int, int | None]:
    """The part of a cost, in both currencies, rounded down."""
    up, down = ratio.numerator, ratio.denominator
    return cost * up // down, None if reported is None else reported * up // down
