"""Lots by brute force in Fractions, written from the definitions alone: what random ledgers are compared with.

Each asset has a list of [order, quantity, cost], every sale sorts it again, and nothing is fast. By average all cost is
one exact pool.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from assets.holdings.events import Action, Ledger, event_order
from portfolios.lot_method import LotMethod


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


def in_order(method, held):
    lots = sorted((lot for lot in held if lot.rest), key=lambda lot: lot.order)
    if method is LotMethod.LIFO:
        return lots[::-1]
    if method is LotMethod.HIFO:
        return sorted(lots, key=lambda lot: -lot.cost / lot.quantity)
    return lots


def oracle(ledger: Ledger, method: LotMethod):
    """For each asset: open (order, quantity, cost), closed (order, quantity, cost, proceeds), missing quantities."""
    state = {pk: ([], [], []) for pk in ledger}
    moving = {}
    everything = [(event_order(event), pk, event) for pk, asset in ledger.items() for event in asset.events]
    for _, pk, event in sorted(everything, key=lambda each: (each[0][:4], is_arrival(each[2]))):
        held, closed, missing = state[pk]
        if isinstance(event, Action):
            for lot in held:
                lot.quantity *= event.ratio
                lot.taken *= event.ratio
        elif event.type == "ACQUIRE":
            held.append(OracleLot(key(event), event.quantity, event.amount + event.fee + event.tax))
        elif event.type == "INCOME" and event.quantity:
            held.append(OracleLot(key(event), event.quantity, event.amount))
        elif event.type == "ADJUST" and event.quantity > 0:
            held.append(OracleLot(key(event), event.quantity, 0))
        elif event.type == "TRANSFER" and event.quantity > 0:
            held += moving.pop(event.transfer_id)
        elif event.quantity:
            parts = taken_from(held, abs(event.quantity), method, missing)
            proceeds = event.amount - event.fee - event.tax if event.type == "DISPOSE" else 0
            if event.type == "TRANSFER":
                moving[event.transfer_id] = [OracleLot(order, part, cost) for order, part, cost in parts]
                continue
            done = Fraction(0)
            for order, part, cost in parts:
                before, done = done, done + part
                share = floor(proceeds * done / event.quantity) - floor(proceeds * before / event.quantity)
                closed.append((order, part, cost, share))
    return {pk: (rests(held), closed, missing) for pk, (held, closed, missing) in state.items()}


def rests(held):
    return [
        (lot.order, lot.rest, lot.cost - floor(lot.cost * lot.taken / lot.quantity))
        for lot in held
        if lot.rest
    ]


def is_arrival(event):
    return getattr(event, "transfer_id", None) is not None and event.quantity > 0


def key(trade):
    return (trade.on, trade.at, trade.position, trade.transaction_id)


def taken_from(held, wanted, method, missing):
    parts, average = [], method is LotMethod.AVERAGE
    total_cost, total = sum(exact_rest(lot) for lot in held), sum(lot.rest for lot in held)
    for lot in in_order(method, held):
        part = min(wanted, lot.rest)
        if part:
            parts.append((lot.order, part, total_cost * part / total if average else lot.take(part)))
            wanted -= part
            if average:
                lot.quantity -= part
    if average and total:
        left = total_cost * (1 - sum(part for _, part, _ in parts) / total)
        for lot in held:
            lot.cost = (
                left * lot.quantity / (total - sum(part for _, part, _ in parts)) if left else Fraction(0)
            )
    if wanted:
        missing.append(wanted)
    return parts


def exact_rest(lot):
    return Fraction(lot.cost) if not lot.taken else lot.cost * lot.rest / lot.quantity
