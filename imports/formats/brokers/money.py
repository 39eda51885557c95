"""What a row of a broker moves: money that is earned or spent, at a security or not, and the leg that receives it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from imports.formats.rows import Item, Reading, TransactionItem
from imports.formats.trades import (
    ZERO,
    Trade,
    booking,
    earned_or_spent,
    flow,
    money,
    net_of,
    paid_or_received,
)
from imports.reading.numbers import plus


class Sums(NamedTuple):
    """Numbers as the file has them: what is received is positive, what is paid negative, fee and tax as well."""

    amount: Decimal
    fee: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return plus(self.amount, self.fee, self.tax)


class Booker:
    """Makes the items of one row. `cash` is the account of its money."""

    def __init__(
        self, reading: Reading, line: int, on: date, cash: str, note: str = "", external_id: str = ""
    ) -> None:
        self.reading, self.line, self.on, self.cash = reading, line, on, cash
        self.note, self.external_id = note[:10_000], external_id[:140]

    def money(self, number: Decimal, field: str = "amount") -> Decimal:
        return money(self.reading, self.line, number, field)

    def trade(self, trade: Trade, *, has_cash: bool = True) -> tuple[Item, ...]:
        """A purchase or sale, and the money that it costs or brings in."""
        trade.note, trade.external_id = self.note, self.external_id
        item = booking(self.reading, self.line, trade)
        return self.with_cash(item, net_of(item)) if has_cash else (item,)

    def with_cash(self, item: TransactionItem, net: Decimal, *others: TransactionItem) -> tuple[Item, ...]:
        paid = (paid_or_received(item, self.cash, net),) if net and item.account != self.cash else ()
        return (item, *others, *paid)

    def flow(self, sums: Sums) -> tuple[Item, ...]:
        """Money that comes or goes. What is charged for that is a cost of its own."""
        amount, costs = self.money(sums.amount), self.money(plus(sums.fee, sums.tax), "fee")
        items = [flow(self.cash, self.on, amount, self.note, self.external_id)] if amount else []
        if costs:
            items.append(self.leg(self.cash, costs, "fee" if items else ""))
        return tuple(items)

    def leg(self, account: str, amount: Decimal, leg: str) -> TransactionItem:
        """What is earned or spent beside the first booking of the row."""
        known = f"{self.external_id}/{leg}" if self.external_id and leg else self.external_id
        return earned_or_spent(account, self.on, amount, self.note, known, leg)

    def earned(self, account: str, sums: Sums, currency: str) -> tuple[Item, ...]:
        """What was earned at the account, or spent where it is negative. Without an amount it is the fee or the tax."""
        amount, fee, tax = (self.money(number) for number in sums)
        if not amount:
            amount, fee, tax = plus(fee, tax), ZERO, ZERO
        if not amount:
            return ()
        given_back = plus(max(fee, ZERO), max(tax, ZERO))
        item = TransactionItem(
            account,
            "INCOME" if amount > 0 else "EXPENSE",
            self.on,
            None,
            abs(amount),
            fee=-min(fee, ZERO),
            tax=-min(tax, ZERO),
            note=self.note,
            external_id=self.external_id,
            currency=currency,
        )
        others: tuple[TransactionItem, ...] = ()
        if given_back:
            others = (self.leg(account, given_back, "refund")._replace(currency=currency),)
        return self.with_cash(item, plus(amount, fee, tax), *others)
