"""Trades of a Flex query, without those that were cancelled; a trade of currencies moves money between two accounts."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from imports.formats.brokers.flex_nodes import KINDS, FlexFile, or_zero, security_of
from imports.formats.brokers.money import Booker
from imports.formats.cells import Refused
from imports.formats.rows import CancelItem, Item, TransactionItem
from imports.formats.trades import ZERO, Trade, flow
from imports.reading.containers.markup import Node
from imports.reading.currencies import is_currency
from imports.reading.numbers import plus, times
from imports.reading.refusals import Reason

CURRENCIES = "CASH"
NO_ID = ("", "0")


class Trades:
    def __init__(self, file: FlexFile, nodes: list[Node]) -> None:
        self.file = file
        self.cancelled = cancelled(nodes)

    def items(self, node: Node) -> tuple[Item, ...] | Reason:
        if is_cancellation(node):
            # What it cancels is in another file, unless both are here.
            return Reason("CANCELLED") if id(node) in self.cancelled else self.taken_back(earlier_row(node))
        if id(node) in self.cancelled:
            return self.taken_back(node)
        return self.booked(node)

    def taken_back(self, node: Node) -> tuple[Item, ...] | Reason:
        """An earlier import may have made the row that is cancelled."""
        try:
            items = self.booked(node)
        except Refused:
            return Reason("CANCELLED")
        return tuple(CancelItem(item) for item in items if isinstance(item, TransactionItem))

    def booked(self, node: Node) -> tuple[Item, ...]:
        kind = node.attributes.get("assetCategory", "").strip().upper()
        if kind == CURRENCIES:
            return self.exchange(node)
        if kind and kind not in KINDS:
            raise Refused("UNSUPPORTED", "assetCategory", kind[:100])
        return self.trade(node)

    def trade(self, node: Node) -> tuple[Item, ...]:
        currency, unit = self.file.currency(node)
        quantity = self.file.number(node, "quantity")
        if not quantity:
            raise Refused("MISSING_FIELD", "quantity")
        side = node.attributes.get("buySell", "").strip().upper()
        is_bought = side.startswith("BUY") if side else quantity > 0
        tax = or_zero(self.file.money(node, "taxes", unit))
        commission, other = self.commission(node, currency, unit)
        amount = self.amount(node, unit, plus(commission, tax), is_bought=is_bought)
        booker = self.file.booker(node, currency)
        trade = Trade(
            self.file.holding(node),
            "ACQUIRE" if is_bought else "DISPOSE",
            booker.on,
            currency,
            quantity,
            self.file.number(node, "tradePrice"),
            amount,
            fee=-min(commission, ZERO),
            tax=-min(tax, ZERO),
            quote_unit=self.file.quote_unit(node, unit),
        )
        booker.note = ""
        given_back = plus(max(commission, ZERO), max(tax, ZERO))
        rest = (booker.leg(booker.cash, booker.money(given_back), "refund"),) if given_back else ()
        return (*booker.trade(trade), *rest, *self.charge(node, booker, other))

    def amount(self, node: Node, unit: str, costs: Decimal, *, is_bought: bool) -> Decimal | None:
        """Before commission and tax: as the file says it, else from what was paid with them, which is negative.

        None where the quantity and the price say it.
        """
        for name in ("proceeds", "tradeMoney"):
            if stated := self.file.money(node, name, unit):
                return abs(stated)
        if net := self.file.money(node, "netCash", unit):
            return abs(plus(net, -costs))
        cost = self.file.money(node, "cost", unit)
        if self.file.number(node, "tradePrice") is None and cost and is_bought:
            return abs(plus(abs(cost), costs))
        return None

    def commission(self, node: Node, currency: str, unit: str) -> tuple[Decimal, Decimal]:
        """In the currency of the trade, and in another one: what is paid is negative."""
        stated = or_zero(self.file.money(node, "ibCommission", unit))
        own = node.attributes.get("ibCommissionCurrency", "").strip()
        is_other = bool(own) and self.file.currency(node, "ibCommissionCurrency")[0] != currency
        return (ZERO, or_zero(self.file.number(node, "ibCommission"))) if is_other else (stated, ZERO)

    def charge(self, node: Node, booker: Booker, commission: Decimal) -> tuple[Item, ...]:
        """A commission in another currency is paid from the account of that one."""
        amount = booker.money(commission, "ibCommission")
        if not amount:
            return ()
        code = self.file.currency(node, "ibCommissionCurrency")[0]
        return (booker.leg(self.file.cash(node, code), amount, "commission"),)

    def exchange(self, node: Node) -> tuple[Item, ...]:
        """A pair such as USD.TWD: the quantity is of its first currency, the proceeds are of its second."""
        pair = node.attributes.get("symbol", "").strip().upper()
        first, _, second = pair.partition(".")
        if not is_currency(first) or not is_currency(second):
            raise Refused("BAD_CURRENCY", "symbol", pair[:20])
        booker = self.file.booker(node, first)
        quantity = self.file.number(node, "quantity")
        proceeds = self.file.number(node, "proceeds")
        price = self.file.number(node, "tradePrice")
        if proceeds is None and quantity is not None and price is not None:
            proceeds = -times(quantity, price)
        if not quantity or not proceeds:
            raise Refused("MISSING_FIELD", "proceeds" if quantity else "quantity")
        sold = booker.money(quantity, "quantity")
        bought = booker.money(proceeds, "proceeds")
        known = f"{booker.external_id}/exchange" if booker.external_id else ""
        other = flow(self.file.cash(node, second), booker.on, bought, booker.note, known, "exchange")
        own = node.attributes.get("ibCommissionCurrency", "").strip()
        commission = or_zero(self.file.number(node, "ibCommission"))
        charge = self.charge(node, booker, commission) if own else ()
        return (flow(booker.cash, booker.on, sold, booker.note, booker.external_id), other, *charge)


def cancelled(nodes: list[Node]) -> set[int]:
    """The rows that cancel an earlier one, and those that they cancel: by its id, else by equal numbers."""
    cancelled_ids: set[int] = set()
    by_id = {node.attributes.get("transactionID", ""): node for node in nodes}
    by_content: defaultdict[tuple[str, ...], list[Node]] = defaultdict(list)
    for node in nodes:
        if not is_cancellation(node):
            by_content[content_of(node)].append(node)
    for node in filter(is_cancellation, nodes):
        known = node.attributes.get("origTransactionID", "").strip()
        earlier = by_id.get(known)
        if known in NO_ID:
            same = [other for other in by_content[content_of(node)] if id(other) not in cancelled_ids]
            earlier = same[0] if same else None
        if earlier is not None:
            cancelled_ids |= {id(node), id(earlier)}
    return cancelled_ids


def earlier_row(node: Node) -> Node:
    """The row that it cancels, by the id of that; without one it is known by its numbers."""
    known = node.attributes.get("origTransactionID", "").strip()
    earlier = Node(
        node.tag,
        {**node.attributes, "transactionID": "" if known in NO_ID else known},
        node.parent,
        node.line,
    )
    return earlier


def is_cancellation(node: Node) -> bool:
    notes = node.attributes.get("notes", "").replace(",", ";").split(";")
    return "(CA.)" in node.attributes.get("buySell", "").upper() or "Ca" in [note.strip() for note in notes]


def content_of(node: Node) -> tuple[str, ...]:
    """Equal for a row and for that which cancels it."""
    quantity = node.attributes.get("quantity", "").strip().lstrip("-")
    price, on = (node.attributes.get(name, "").strip() for name in ("tradePrice", "tradeDate"))
    return (*security_of(node), quantity, price, on)
