"""Charles Schwab's CSV of the transactions of a brokerage account, in US dollars."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from imports.formats.brokers.money import Booker, Sums
from imports.formats.cells import CellReader, Refused
from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.quote_units import OPTION_SHARES, PER_CENT, QuoteUnits, is_cusip
from imports.formats.rows import (
    NAME_LENGTH,
    ActionItem,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    Reading,
    RowType,
)
from imports.formats.trades import ZERO, Trade, cash_account, holding
from imports.reading.days import MDY
from imports.reading.numbers import POINT, plus
from imports.reading.refusals import FileRefused, Reason
from imports.reading.tables import Document, Line, text_of
from imports.reading.words import words_of

NAME = "schwab-csv"
BROKER, CURRENCY = "Schwab", "USD"
FEE = "fees & comm"
NEEDED = ("date", "action", "symbol", "description", "quantity", "price", FEE, "amount")
NUMBERS = ("quantity", "price", FEE, "amount")
BOUGHT = words_of("buy, buy to open, buy to close, reinvest shares, buy to cover")
SOLD = words_of("sell, sell to open, sell to close, sell short")
OPTIONS = words_of("buy to open, buy to close, sell to open, sell to close")
DELIVERED = words_of("security transfer, journaled shares, journal, internal transfer, shares transferred")
FLOWS = words_of(
    "journal, moneylink transfer, moneylink deposit, moneylink adj, wire funds, wire sent, wire received, wire funds"
    " received, wire funds adj, funds received, funds paid, security transfer, internal transfer, bank transfer, atm"
    " withdrawal, check received, check paid, auto s1 credit, auto s1 debit"
)
EARNED = words_of(
    "bank interest, credit interest, bond interest, cd interest, margin interest, qualified dividend, cash dividend,"
    " non-qualified div, special dividend, special qual div, special non qual div, pr yr cash div, pr yr special div,"
    " pr yr div reinvest, reinvest dividend, qual div reinvest, div adjustment, long term cap gain,"
    " short term cap gain,"
    " long term cap gain reinvest, short term cap gain reinvest, cash in lieu, promotional award, misc cash entry, misc"
    " credits, foreign tax paid, foreign tax reclaim, nra tax adj, nra withholding, tax withholding, adr mgmt fee,"
    " service fee, advisor fee, visa purchase, adjust fee"
)
REINVESTED = words_of(
    "reinvest dividend, qual div reinvest, pr yr div reinvest, long term cap gain reinvest, short term cap gain"
    " reinvest"
)
SPLIT = "stock split"
UNSUPPORTED = words_of(
    "reverse split, spin-off, stock merger, cash merger, cash stock merger, stock div dist, name change, expired,"
    " assigned, exchange or exercise, full redemption, full redemption adj, mandatory reorg exc, cash/stock merger"
)
_ACCOUNT = re.compile(r"transactions\s+for\s+account\s+(.+?)(?:\s+as\s+of\s.*)?$", re.IGNORECASE)
_TOTAL = re.compile(r"total", re.IGNORECASE)


def table_of(document: Document) -> NamedTable | None:
    return find_table(document, *((name,) for name in NEEDED))


def fits(document: Document, options: Options) -> int:
    return 80 if table_of(document) else 0


def read(document: Document, options: Options) -> Reading:
    """Its days and numbers are American in every export: nothing is asked."""
    table = table_of(document)
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    known = replace(options, decimal=options.decimal or POINT, date_order=options.date_order or MDY)
    reading, cells = opened(NAME, table, document, known, numbers=NUMBERS, days=("date",))
    reading.read = lambda reading: rows_of(reading, table, cells, options)
    return reading


def rows_of(reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> Iterator[FileRow]:
    reader, is_empty = Schwab(reading, table, cells, options), True
    for row in reader.rows():
        is_empty = False
        yield row
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class Moved(NamedTuple):
    """By how much the number of shares changed on a day."""

    on: date
    quantity: Decimal


class Schwab(RowReader):
    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        super().__init__(reading, table, cells, options)
        self.account = options.account or account_above(table)
        self.moved: dict[str, list[Moved]] = {}
        self.held: dict[str, tuple[list[date], list[Decimal]]] = {}  # after each of these days
        self.quote_units = QuoteUnits()
        self.bought_again: dict[tuple[str, date, Decimal], list[int]] = {}  # lines of Reinvest Shares
        self.paid_again: dict[int, int] = {}  # the line of a dividend for each of these
        for line in table:
            try:
                self.look_at(line)
            except Refused:
                continue
        self.pair_dividends()
        self.dividends = set(self.paid_again.values())

    def look_at(self, line: Line) -> None:
        action, symbol = self.action(line), self.symbol(line)
        quantity = self.number(line, "quantity") or ZERO
        if symbol and (action in BOUGHT | SOLD | DELIVERED or action == SPLIT):
            sign = -1 if action in SOLD else 1
            number = quantity if action in DELIVERED else sign * abs(quantity)
            self.moved.setdefault(symbol, []).append(Moved(self.day(line, "date"), number))
        if symbol and is_cusip(symbol):
            price, paid = self.number(line, "price"), self.number(line, "amount")
            self.quote_units.see(symbol, PER_CENT, quantity, price, paid)
        if action == "reinvest shares":
            key = symbol, self.day(line, "date"), abs(self.number(line, "amount") or ZERO)
            self.bought_again.setdefault(key, []).append(line.number)

    def pair_dividends(self) -> None:
        """A dividend and the purchase of the same security, day and amount are one booking."""
        for line in self.table:
            if self.action(line) not in REINVESTED:
                continue
            try:
                key = self.symbol(line), self.day(line, "date"), abs(self.number(line, "amount") or ZERO)
            except Refused:
                continue
            if waiting := self.bought_again.get(key):
                self.paid_again[waiting.pop(0)] = line.number

    def fill(self, row: FileRow, line: Line) -> None:
        if _TOTAL.search(self.text(line, "date")) or not row.read:
            row.row_type, row.skip = None, Reason("TOTAL" if row.read else "EMPTY")
            return
        action = self.action(line)
        if line.number in self.dividends:
            row.skip = Reason("WITH_ANOTHER_ROW")
        elif action == SPLIT:
            row.row_type, row.items = RowType.ACTION, self.split(line)
        elif action in UNSUPPORTED:
            raise Refused("UNSUPPORTED_ACTION", "action", self.text(line, "action")[:100])
        else:
            row.items = self.booked(line, action)

    def booked(self, line: Line, action: str) -> tuple[Item, ...]:
        sums = Sums(self.number(line, "amount") or ZERO)
        has_shares = bool(self.symbol(line) and self.number(line, "quantity"))
        booker = Booker(
            self.reading,
            line.number,
            self.day(line, "date"),
            cash_account(self.reading, CURRENCY, self.account),
            self.text(line, "description") if not has_shares else "",
        )
        if action in BOUGHT | SOLD:
            return self.trade(line, action, booker)
        if action in DELIVERED and has_shares:
            return self.delivery(line, booker)
        if action in FLOWS:
            return booker.flow(sums)
        if action in EARNED:
            account = self.holding(line) if self.symbol(line) else booker.cash
            return booker.earned(account, sums, CURRENCY)
        raise Refused(
            "UNKNOWN_TYPE" if action else "MISSING_FIELD", "action", self.text(line, "action")[:100]
        )

    def trade(self, line: Line, action: str, booker: Booker) -> tuple[Item, ...]:
        """The amount of the file is after the fee."""
        quantity, price = self.number(line, "quantity"), self.number(line, "price")
        if not quantity:
            raise Refused("MISSING_FIELD", "quantity")
        fee, paid = abs(self.number(line, FEE) or ZERO), self.number(line, "amount")
        is_bought = action in BOUGHT
        amount = None if paid is None else abs(plus(abs(paid), -fee if is_bought else fee))
        is_reinvested = line.number in self.paid_again
        kind = "INCOME" if is_reinvested else "ACQUIRE" if is_bought else "DISPOSE"
        trade = Trade(
            self.holding(line),
            kind,
            booker.on,
            CURRENCY,
            quantity,
            price,
            amount,
            fee,
            quote_unit=self.instrument(line).quote_unit,
        )
        return booker.trade(trade, has_cash=not is_reinvested)

    def delivery(self, line: Line, booker: Booker) -> tuple[Item, ...]:
        """Shares from or to another broker. What they cost is not in the file."""
        quantity = self.number(line, "quantity") or ZERO
        kind = "ACQUIRE" if quantity > 0 else "DISPOSE"
        trade = Trade(self.holding(line), kind, booker.on, CURRENCY, quantity, None, ZERO)
        return booker.trade(trade, has_cash=False)

    def split(self, line: Line) -> tuple[Item, ...]:
        """The quantity is the number of new shares: the ratio follows from what was held before."""
        on, symbol, new = self.day(line, "date"), self.symbol(line), self.number(line, "quantity") or ZERO
        held = self.held_before(symbol, on)
        if held <= 0 or new <= 0:
            raise Refused("UNSUPPORTED_ACTION", "action", self.text(line, "action")[:100])
        ratio = (1 + Fraction(new) / Fraction(held)).as_integer_ratio()
        if max(ratio) > 10_000:
            raise Refused("UNSUPPORTED_ACTION", "quantity", f"{held:f} + {new:f}")
        return (ActionItem(self.reading.instrument(self.instrument(line)), on, "split", *ratio),)

    def held_before(self, symbol: str, on: date) -> Decimal:
        if symbol not in self.held:
            moves = sorted(self.moved.get(symbol, ()), key=lambda moved: moved.on)
            sums = [ZERO, *accumulate((moved.quantity for moved in moves), plus)]
            self.held[symbol] = [moved.on for moved in moves], sums
        days, sums = self.held[symbol]
        return sums[bisect_left(days, on)]

    # --- what a row says ---

    def action(self, line: Line) -> str:
        return self.text(line, "action").casefold()

    def symbol(self, line: Line) -> str:
        return " ".join(self.text(line, "symbol").split())

    def is_option(self, line: Line) -> bool:
        return self.action(line) in OPTIONS or " " in self.symbol(line)

    def instrument(self, line: Line) -> Instrument:
        symbol = self.symbol(line)
        if not symbol or len(symbol) > NAME_LENGTH:
            raise Refused("BAD_NAME" if symbol else "MISSING_FIELD", "symbol", symbol[:NAME_LENGTH])
        name = self.text(line, "description")[:NAME_LENGTH] or symbol
        if self.is_option(line):
            return Instrument(symbol[:40], name, "option", CURRENCY, "", OPTION_SHARES)
        if is_cusip(symbol):  # those of shares and funds are not shown
            unit = self.quote_units.of(symbol, PER_CENT)
            return Instrument(symbol, name, "bond", CURRENCY, "", unit, cusip=symbol)
        return Instrument(symbol[:40], name, "share", CURRENCY)

    def holding(self, line: Line) -> str:
        return holding(self.reading, self.instrument(line), self.account or BROKER)


def account_above(table: NamedTable) -> str:
    """The account that a title above the header names; "" for none."""
    for line in table.table.first(table.header.number):
        match = _ACCOUNT.search(text_of(line.cells[0]).strip()) if line.cells else None
        if match and line.number < table.header.number:
            return match[1].strip()[: NAME_LENGTH - 4]
    return ""
