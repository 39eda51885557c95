"""Lots by brute force in Fractions, written from the definitions alone: what random ledgers are compared with.

Each asset has a list of lots, every sale sorts it again, and nothing is fast. By average all cost is one exact pool, so
that amounts there may differ by the roundings of the lots. Amounts are ten-thousandths, quantities 10^-18.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from assets.holdings.events import Action, Ledger, event_order
from portfolios.lot_method import LotMethod

UNIT = 10**18


class OracleLot:
    def __init__(self, order, quantity, cost):
        self.order, self.quantity, self.cost = order, Fraction(quantity), cost
        self.taken = Fraction(0)

    def take(self, quantity):
        before = floor(self.cost * self.taken / self.quantity)
        self.taken += quantity
        return floor(self.cost * self.taken / self.quantity) - before

    @property
    def rest(self):
        return self.quantity - self.taken

    @property
    def cost_left(self):
        return self.cost - floor(self.cost * self.taken / self.quantity)


class OracleAsset:
    """`closed` are (order, quantity, cost, proceeds), `missing` (quantity, proceeds), `arrived` (day, from, quantity,
    cost), and `paid` is what actions paid, by day.
    """

    def __init__(self, asset, method, rate_on):
        self.asset, self.method, self.rate_on = asset, method, rate_on
        self.longs, self.shorts, self.closed, self.missing = [], [], [], []
        self.arrived, self.paid = [], {}

    # --- what comes ---

    def buy(self, order, quantity, cost):
        self.open(OracleLot(order, quantity, cost))

    def open(self, lot):
        """Close what is open with the other sign; the rest is a new lot."""
        is_long = lot.quantity > 0
        opposite = self.shorts if is_long else self.longs
        units = abs(sum(each.rest for each in opposite))
        covered = min(abs(lot.quantity), units) * (1 if is_long else -1)
        if covered:
            paid = floor(lot.cost * covered / lot.quantity) if covered != lot.quantity else lot.cost
            self.close(self.take(opposite, -covered), -paid)
            lot = OracleLot(lot.order, lot.quantity - covered, lot.cost - paid)
        if lot.quantity:
            (self.longs if is_long else self.shorts).append(lot)

    # --- what goes ---

    def sell(self, trade, quantity, proceeds):
        held = sum(lot.rest for lot in self.longs)
        sold = min(quantity, held)
        of_held = floor(proceeds * sold / quantity) if sold != quantity else proceeds
        self.close(self.take(self.longs, sold, trade.lots), of_held)
        if sold < quantity and self.asset.allow_short and trade.type == "DISPOSE":
            self.open(OracleLot(key(trade), sold - quantity, of_held - proceeds))
        elif sold < quantity:
            self.missing.append((quantity - sold, proceeds - of_held))

    def send(self, trade):
        wanted, held = -trade.quantity, sum(lot.rest for lot in self.longs)
        if wanted > held:
            self.missing.append((wanted - held, 0))
        parts = self.take(self.longs, min(wanted, held), trade.lots)
        return [OracleLot(order, quantity, cost) for order, quantity, cost in parts]

    def close(self, parts, proceeds):
        total, done = sum(quantity for _, quantity, _ in parts), 0
        for order, quantity, cost in parts:
            before, done = done, done + quantity
            share = floor(proceeds * done / total) - floor(proceeds * before / total)
            self.closed.append((order, quantity, cost, share))

    def take(self, lots, wanted, named=()):
        """So many units of these lots (negative of short ones), as (order, quantity, cost)."""
        if self.method is LotMethod.AVERAGE:
            level(lots)
        parts = []
        for choice in named if self.method is LotMethod.SPECIFIC else ():
            left = choice.quantity
            for lot in sorted(lots, key=lambda lot: lot.order):
                if lot.order[3] == choice.transaction_id:
                    part = min(left, lot.rest, wanted)
                    if part > 0:
                        parts.append((lot.order, part, lot.take(part)))
                        left, wanted = left - part, wanted - part
        for lot in in_order(self.method, lots):
            part = min(wanted, lot.rest, key=abs)
            if part:
                average = self.method is LotMethod.AVERAGE
                parts.append((lot.order, part, self.of_pool(lot, part) if average else lot.take(part)))
                wanted -= part
        return parts

    def of_pool(self, lot, part):
        cost = lot.cost * part / lot.quantity
        lot.cost, lot.quantity = lot.cost - cost, lot.quantity - part
        return cost

    # --- corporate actions ---

    def act(self, action, target):
        for lots in (self.longs, self.shorts):
            if self.method is LotMethod.AVERAGE:
                level(lots)
            parts = [
                (lot.order, lot.rest, lot.cost if self.method is LotMethod.AVERAGE else lot.cost_left)
                for lot in in_order(LotMethod.FIFO, lots)
            ]
            total = sum(quantity for _, quantity, _ in parts)
            if not total:
                continue
            if action.type in ("split", "stock_dividend"):
                for lot in lots:
                    lot.quantity, lot.taken = lot.quantity * action.ratio, lot.taken * action.ratio
            elif action.type == "return_of_capital" or target is not None:
                lots.clear()
                paid = round(action.cash * 10_000 * total / UNIT)
                self.paid[action.on] = self.paid.get(action.on, 0) + paid
                self.acted(action, target, lots, parts, paid)

    def acted(self, action, target, lots, parts, paid):
        total, done = sum(quantity for _, quantity, _ in parts), 0
        for order, quantity, cost in parts:
            before, done = done, done + quantity
            share = floor(paid * done / total) - floor(paid * before / total)
            moved = cost * action.cost_ratio
            if self.method is not LotMethod.AVERAGE:
                moved = floor(moved)
            if action.type == "return_of_capital":
                lowered = min(share, cost, key=abs) if share * cost > 0 else 0
                lots.append(OracleLot(order, quantity, cost - lowered))
                if share != lowered:
                    self.closed.append((order, 0, 0, share - lowered))
            elif action.type == "spin_off":
                lots.append(OracleLot(order, quantity, cost - moved))
                target.receive(self, action, OracleLot(order, quantity * action.ratio, moved))
            else:
                target.receive(self, action, OracleLot(order, quantity * action.ratio, cost - moved))
                if paid or action.cost_ratio:
                    self.closed.append((order, quantity * action.cost_ratio, moved, share))

    def receive(self, source, event, lot):
        """What comes from another asset; a cost in another currency is converted at the rate of the lot's day."""
        if source.asset.currency != self.asset.currency:
            rate = self.rate_on(source.asset.currency, self.asset.currency, lot.order[0])
            lot.cost = round(lot.cost * rate)
        self.arrived.append((event.on, source.asset.asset_id, lot.quantity, lot.cost))
        self.open(lot)

    def own(self, trade, amount):
        if trade.currency == self.asset.currency:
            return amount
        return round(amount * self.rate_on(trade.currency, self.asset.currency, trade.on))


def level(lots):
    """One pool: every lot has the same cost of a unit."""
    total, cost = sum(lot.rest for lot in lots), sum(exact_rest(lot) for lot in lots)
    for lot in lots:
        lot.cost, lot.quantity, lot.taken = cost * lot.rest / total if total else 0, lot.rest, Fraction(0)


def exact_rest(lot):
    return Fraction(lot.cost) if not lot.taken else lot.cost * lot.rest / lot.quantity


def in_order(method, held):
    lots = sorted((lot for lot in held if lot.rest), key=lambda lot: lot.order)
    if method is LotMethod.LIFO:
        return lots[::-1]
    if method is LotMethod.HIFO:
        return sorted(lots, key=lambda lot: -lot.cost / lot.quantity)
    return lots


def oracle(ledger: Ledger, method: LotMethod, rate_on=None):
    """What becomes of each asset.

    Trades are in the order of event_order; a leg in comes after its leg out, which is at the same position.
    """
    state = {pk: OracleAsset(asset, method, rate_on) for pk, asset in ledger.items()}
    moving = {}
    everything = [(event_order(event), pk, event) for pk, asset in ledger.items() for event in asset.events]
    for _, pk, event in sorted(everything, key=in_time):
        of_asset = state[pk]
        if isinstance(event, Action):
            of_asset.act(event, state.get(event.to_asset_id))
            continue
        amount, costs = event.amount, event.fee + event.tax
        quantity = event.quantity or 0
        if event.type == "ACQUIRE":
            of_asset.buy(key(event), quantity, of_asset.own(event, amount + costs))
        elif event.type in ("INCOME", "ADJUST") and quantity > 0:
            of_asset.buy(key(event), quantity, of_asset.own(event, amount))
        elif event.type == "TRANSFER" and quantity > 0:
            for lot in moving.pop(event.transfer_id):
                of_asset.receive(state[event.other_asset_id], event, lot)
        elif event.type == "TRANSFER":
            moving[event.transfer_id] = of_asset.send(event)
        elif event.type == "DISPOSE":
            of_asset.sell(event, quantity, of_asset.own(event, amount - costs))
        elif event.type == "ADJUST":
            of_asset.sell(event, -quantity, 0)
    return state


def results(ledger: Ledger, method: LotMethod, rate_on=None):
    """By asset the open (order, quantity, cost), closed (..., proceeds), and the missing (quantity, proceeds)."""
    state = oracle(ledger, method, rate_on)
    return {pk: (rests(each, method), each.closed, each.missing) for pk, each in state.items()}


def rests(of_asset, method):
    lots = [lot for lot in of_asset.longs + of_asset.shorts if lot.rest]
    if method is LotMethod.AVERAGE:
        level(of_asset.longs)
        level(of_asset.shorts)
        return [(lot.order, lot.rest, lot.cost) for lot in lots]
    return [(lot.order, lot.rest, lot.cost_left) for lot in lots]


def in_time(happening):
    order, _, event = happening
    if isinstance(event, Action):
        return order[0], 0, event.action_id.int
    return order[0], 1, order[2], order[3], is_arrival(event), order[4].int


def is_arrival(event):
    return event.transfer_id is not None and event.quantity > 0


def key(trade):
    return (trade.on, trade.at, trade.position, trade.transaction_id)
