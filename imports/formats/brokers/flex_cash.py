"""Bookings of money of a Flex query. Tax that was withheld belongs to the dividend of that security and day."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from imports.formats.brokers.flex_nodes import FlexFile, security_of
from imports.formats.brokers.money import Sums
from imports.formats.cells import Refused
from imports.formats.rows import Item
from imports.formats.trades import ZERO
from imports.reading.containers.markup import Node
from imports.reading.numbers import plus
from imports.reading.refusals import Reason
from imports.reading.words import words_of

DIVIDENDS = words_of("dividends, payment in lieu of dividends")
TAX = "withholding tax"
AT_SECURITY = DIVIDENDS | {TAX} | words_of("bond interest received, bond interest paid, 871(m) withholding")
ON_CASH = words_of(
    "broker interest paid, broker interest received, other fees, other income, commission adjustments, advisor fees,"
    " price adjustments, broker fees, client fees, broker interest, general fees"
)
FLOWS = words_of(
    "deposits/withdrawals, deposits & withdrawals, deposits and withdrawals, deposits, withdrawals, internal transfers"
)


class CashBookings:
    def __init__(self, file: FlexFile, nodes: list[Node]) -> None:
        self.file = file
        self.taxes: dict[int, Decimal] = {}  # of each dividend
        self.with_dividend: set[int] = set()  # the rows of these taxes
        self.pair(nodes)

    def pair(self, nodes: list[Node]) -> None:
        """The first tax belongs to the first dividend of its security and day, the last ones to the last."""
        dividends: defaultdict[tuple[tuple[str, ...], date], list[Node]] = defaultdict(list)
        taxes: defaultdict[tuple[tuple[str, ...], date], list[Node]] = defaultdict(list)
        for node in nodes:
            try:
                amount, key = self.file.number(node, "amount"), (security_of(node), self.file.day(node))
                self.file.currency(node)
            except Refused:
                continue
            if not amount or not self.file.has_security(node):
                continue
            if kind_of(node) in DIVIDENDS and amount > 0:
                dividends[key].append(node)
            elif kind_of(node) == TAX and amount < 0:
                taxes[key].append(node)
        for key, held_back in taxes.items():
            paid = dividends.get(key)
            for number, node in enumerate(held_back if paid else ()):
                dividend = paid[min(number, len(paid) - 1)] if paid else node
                amount = self.file.money(node, "amount", self.file.currency(node)[1]) or ZERO
                self.taxes[id(dividend)] = plus(self.taxes.get(id(dividend), ZERO), amount)
                self.with_dividend.add(id(node))

    def items(self, node: Node) -> tuple[Item, ...] | Reason:
        kind = kind_of(node)
        if kind not in AT_SECURITY | ON_CASH | FLOWS:
            stated = node.attributes.get("type", "").strip()
            raise Refused("UNKNOWN_TYPE" if stated else "MISSING_FIELD", "type", stated[:100])
        if id(node) in self.with_dividend:
            return Reason("WITH_ANOTHER_ROW")
        currency, unit = self.file.currency(node)
        amount = self.file.money(node, "amount", unit)
        if amount is None:
            raise Refused("MISSING_FIELD", "amount")
        booker = self.file.booker(node, currency)
        if kind in FLOWS:
            return booker.flow(Sums(amount))
        is_at_security = kind in AT_SECURITY and self.file.has_security(node)
        account = self.file.holding(node) if is_at_security else booker.cash
        return booker.earned(account, Sums(amount, tax=self.taxes.get(id(node), ZERO)), currency)


def kind_of(node: Node) -> str:
    return node.attributes.get("type", "").strip().casefold()
