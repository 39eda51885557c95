"""Firefly III's CSV of transactions. Columns are found by name, since their order differs by version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from imports.formats.balances import add_balances, in_order
from imports.formats.cells import Refused
from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    FileRow,
    FileWarning,
    Item,
    Options,
    Reading,
    TransactionItem,
)
from imports.formats.trades import earned_or_spent, flow, money
from imports.reading.currencies import currency_of_mark
from imports.reading.kinds import asset_type_of
from imports.reading.refusals import FileRefused
from imports.reading.tables import Document, Line

NAME = "firefly-csv"
NEEDED = ("journal_id", "type", "amount", "currency_code", "date", "source_name", "destination_name")
OWN = {
    "asset account": "CHECKING_ACCOUNT",
    "default account": "CHECKING_ACCOUNT",
    "debt": "LOAN",
    "loan": "LOAN",
}
OWN |= {"mortgage": "MORTGAGE", "liability credit account": "LOAN"}
MONEY_TYPES = ("CHECKING_ACCOUNT", "SAVINGS_ACCOUNT", "CREDIT_CARD", "CASH")
OPENING = "opening balance"
BALANCING = (OPENING, "reconciliation", "liability credit")


def table_of(document: Document) -> NamedTable | None:
    return find_table(document, *((name,) for name in NEEDED))


def fits(document: Document, options: Options) -> int:
    return 100 if table_of(document) else 0


def read(document: Document, options: Options) -> Reading:
    table = table_of(document)
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    numbers = ("amount", "foreign_amount")
    reading, cells = opened(NAME, table, document, options, numbers=numbers, days=("date",))
    reading.read = lambda reading: rows_of(reading, FireflyReader(reading, table, cells, options))
    return reading


def rows_of(reading: Reading, reader: FireflyReader) -> Iterator[FileRow]:
    """In the order of days. An account with an opening balance is whole: its running balance is its value."""
    rows = in_order(list(reader.rows()))
    add_balances(reading, rows, reader.whole)
    yield from rows
    if not rows:
        reading.warn(FileWarning("NOTHING_INSIDE"))
    elif not reader.whole:
        reading.warn(FileWarning("NO_BALANCES"))


class FireflyReader(RowReader):
    def rows(self) -> Iterator[FileRow]:
        self.whole: set[str] = set()
        yield from super().rows()

    def fill(self, row: FileRow, line: Line) -> None:
        kind = self.text(line, "type").casefold()
        on = self.day(line, "date")
        amount = self.number(line, "amount")
        if amount is None:
            raise Refused("MISSING_FIELD", "amount")
        value = abs(money(self.reading, line.number, amount, "amount"))
        items = self.items(line, kind, on, value)
        row.items = items if value else ()

    def items(self, line: Line, kind: str, on: date, value: Decimal) -> tuple[Item, ...]:
        """The sign follows from source and destination: some versions write every amount as negative."""
        note = self.text(line, "description") or self.text(line, "notes")
        known, currency = self.text(line, "journal_id"), self.currency(line, "currency_code")
        is_between = self.is_own(line, "source") and self.is_own(line, "destination")
        if kind == "transfer" or (kind in ("withdrawal", "deposit") and is_between):
            return self.transfer(line, on, value, currency, note, known)
        if kind == "withdrawal":
            return (earned_or_spent(self.account(line, "source", currency), on, -value, note, known),)
        if kind == "deposit":
            return (earned_or_spent(self.account(line, "destination", currency), on, value, note, known),)
        if kind not in BALANCING:
            raise Refused("UNKNOWN_TYPE" if kind else "MISSING_FIELD", "type", kind[:100])
        is_received = self.is_own(line, "destination") or not self.text(line, "source_name")
        side, sign = ("destination", 1) if is_received else ("source", -1)
        key = self.account(line, side, currency)
        if kind == OPENING:
            self.whole.add(key)
        return (flow(key, on, sign * value, note, known),)

    def transfer(
        self, line: Line, on: date, value: Decimal, currency: str, note: str, known: str
    ) -> tuple[TransactionItem, ...]:
        """The account that receives may have another currency: then the foreign amount arrives there."""
        foreign = self.number(line, "foreign_amount")
        arrived, other = value, currency
        if foreign and self.text(line, "foreign_currency_code"):
            other = self.currency(line, "foreign_currency_code")
            arrived = abs(money(self.reading, line.number, foreign, "foreign_amount"))
        leaves = self.account(line, "source", currency)
        arrives = self.account(line, "destination", other)
        return flow(leaves, on, -value, note, known), flow(arrives, on, arrived, note, known, "in")

    def is_own(self, line: Line, side: str) -> bool:
        return self.text(line, f"{side}_type").casefold() in OWN

    def currency(self, line: Line, name: str) -> str:
        stated = self.text(line, name)
        code = currency_of_mark(stated)
        if not code:
            raise Refused("BAD_CURRENCY" if stated else "MISSING_FIELD", "currency", stated[:20])
        return code

    def account(self, line: Line, side: str, currency: str) -> str:
        name = self.text(line, f"{side}_name")
        if not name or len(name) > NAME_LENGTH:
            raise Refused("BAD_NAME" if name else "MISSING_FIELD", f"{side}_name", name[:NAME_LENGTH])
        kind = OWN.get(self.text(line, f"{side}_type").casefold(), "CHECKING_ACCOUNT")
        by_name = asset_type_of(name)
        if kind == "CHECKING_ACCOUNT" and by_name in MONEY_TYPES:
            kind = by_name
        return self.reading.account(Account(name, currency, kind))
