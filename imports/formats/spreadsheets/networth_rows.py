"""Rows of a table of net worth: one for each cell that has a value, or may have one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from imports.formats.cells import CellReader, Refused, is_empty
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    QuantityItem,
    Reading,
    RowType,
    ValueItem,
)
from imports.formats.spreadsheets.networth_layout import (
    BALANCE_SHEET,
    DOWN,
    LONG,
    WIDE,
    cell_at,
)
from imports.formats.spreadsheets.networth_sheets import Sheet
from imports.reading.currencies import currency_in_name, currency_of_mark, is_currency
from imports.reading.kinds import asset_type_of
from imports.reading.refusals import Reason
from imports.reading.tables import Cell, Document, Line, text_of
from imports.reading.words import is_total

OF_ACCOUNTS = ("type", "currency", "ticker")  # columns
_CODE = re.compile(r"[A-Z0-9][A-Z0-9.-]{1,11}")
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(slots=True)
class Context:
    """How the cells of this file are read."""

    options: Options
    decimal: str
    date_order: str
    currency: str  # of what names none; "" where it must be asked
    coin_currency: Callable[[], str] = str  # in which coins are valued: it takes reading all rows to know


class Names:
    """The names of accounts: with their category where two of them have the same name."""

    def __init__(self, sheets: list[Sheet]) -> None:
        categories: dict[tuple[str, str], set[str]] = {}
        for sheet in sheets:
            columns = sheet.layout.columns
            if "asset" not in columns or "type" not in columns:
                continue
            for line in sheet.layout.rows(sheet.table):
                name = text_of(cell_at(line, columns["asset"]))
                currency = text_of(cell_at(line, columns.get("currency")))
                categories.setdefault((name, currency), set()).add(text_of(cell_at(line, columns["type"])))
        self.repeated = {key for key, several in categories.items() if len(several) > 1}

    def name(self, name: str, currency: str, category: str) -> str:
        return f"{name} ({category})" if category and (name, currency) in self.repeated else name


class SheetReader:
    """Reads the rows of one sheet."""

    def __init__(
        self, reading: Reading, document: Document, sheet: Sheet, context: Context, names: Names
    ) -> None:
        self.reading, self.sheet, self.context, self.names = reading, sheet, context, names
        self.cells = CellReader(reading, context.decimal, context.date_order)
        self.layout, self.columns = sheet.layout, sheet.layout.columns
        self.headings = [text_of(cell) for cell in sheet.layout.header.cells]
        self.default_currency = sheet.default_currency or context.currency
        self.is_own = self.layout.is_own
        self.headings_to_read = list(map(self.heading, range(len(self.headings))))
        self.places = [self.columns.get(column) for column in OF_ACCOUNTS]
        self.accounts: dict[
            tuple[str, ...], tuple[str, bool]
        ] = {}  # keys, and whether they have an instrument
        self.alone = sheet.name or context.options.account or document.name.rsplit(".", 1)[0]
        self.seen: Counter[str] = Counter()
        header = self.layout.header
        self.names_of_columns = {
            index: self.unique(self.heading(index), header) for index in self.layout.accounts
        }

    def rows(self) -> Iterator[FileRow]:
        by_kind: dict[str, Callable[[Line], Iterator[FileRow]]] = {
            WIDE: self.wide,
            DOWN: self.down,
            LONG: self.long,
            BALANCE_SHEET: self.balance_sheet,
        }
        rows_of_line = by_kind[self.layout.kind]
        for index in self.layout.totals:
            yield self.row(self.layout.header, {}, None, column=self.heading(index), skip=Reason("TOTAL"))
        for line in self.layout.rows(self.sheet.table):
            yield from rows_of_line(line)

    # --- the kinds of tables ---

    def wide(self, line: Line) -> Iterator[FileRow]:
        name = text_of(cell_at(line, self.columns["asset"]))
        cells = [(day, cell_at(line, day.place)) for day in self.layout.days]
        if is_total(name):
            yield self.row(line, {self.heading(self.columns["asset"]): name}, None, skip=Reason("TOTAL"))
            return
        if all(is_empty(cell) for _, cell in cells):
            yield self.row(line, {self.heading(self.columns["asset"]): name}, None, skip=Reason("EMPTY"))
            return
        label = {self.heading(self.columns["asset"]): name}
        unique = self.unique(name, line)
        for day, cell in cells:
            heading = text_of(day.heading)
            values = {**label, heading: text_of(cell)}
            yield self.value_row(line, values, cell, unique, day.heading, column=heading)

    def down(self, line: Line) -> Iterator[FileRow]:
        day = cell_at(line, self.columns["date"])
        if is_total(text_of(day)):
            yield self.row(
                line, {self.heading(self.columns["date"]): text_of(day)}, None, skip=Reason("TOTAL")
            )
            return
        for index, name in self.names_of_columns.items():
            cell = cell_at(line, index)
            values = {self.heading(self.columns["date"]): text_of(day), self.heading(index): text_of(cell)}
            yield self.value_row(line, values, cell, name, day, column=self.heading(index))

    def long(self, line: Line) -> Iterator[FileRow]:
        name = text_of(cell_at(line, self.columns["asset"])) if "asset" in self.columns else self.alone
        yield self.entry(line, name, cell_at(line, self.columns["value"]))

    def balance_sheet(self, line: Line) -> Iterator[FileRow]:
        owned, owed = cell_at(line, self.columns["owned"]), cell_at(line, self.columns["owed"])
        name = text_of(cell_at(line, self.columns["asset"]))
        if not is_empty(owned) and not is_empty(owed):
            reason = Reason("MISSING_FIELD", "owed", f"{text_of(owned)} / {text_of(owed)}")
            yield self.row(line, self.read(line), RowType.VALUE, refusal=reason)
            return
        yield self.entry(line, name, owned if is_empty(owed) else owed, is_owed=not is_empty(owed))

    def entry(self, line: Line, name: str, cell: Cell, *, is_owed: bool = False) -> FileRow:
        """A row that has one value."""
        if not self.is_own and is_total(name):
            return self.row(line, self.read(line), None, skip=Reason("TOTAL"))
        day: Cell | None = cell_at(line, self.columns["date"]) if "date" in self.columns else None
        return self.value_row(line, self.read(line), cell, name, day, is_owed=is_owed)

    # --- one value ---

    def value_row(
        self,
        line: Line,
        values: Mapping[str, str],
        cell: Cell,
        name: str,
        day: Cell | None,
        *,
        column: str | None = None,
        is_owed: bool = False,
    ) -> FileRow:
        if is_empty(cell):
            return self.row(line, values, RowType.VALUE, column=column, skip=Reason("EMPTY"))
        try:
            item = self.item(line, cell, name, day, column, is_owed=is_owed)
        except Refused as refused:
            return self.row(line, values, RowType.VALUE, column=column, refusal=refused.reason)
        row_type = RowType.VALUE if isinstance(item, ValueItem) else RowType.TRANSACTION
        return self.row(line, values, row_type, column=column, items=(item,))

    def item(
        self, line: Line, cell: Cell, name: str, day: Cell | None, column: str | None, *, is_owed: bool
    ) -> Item:
        on = self.day(line, day)
        number, sign_currency = self.cells.number(line.number, cell, "value", column)
        number = -number if is_owed else number
        key, has_instrument = self.account_key(line, name, sign_currency)
        note = text_of(cell_at(line, self.columns["note"]))[:10_000] if "note" in self.columns else None
        if has_instrument:
            return QuantityItem(key, on, number, note)
        return ValueItem(key, on, self.cells.money(line.number, number, "value", column), note)

    def day(self, line: Line, cell: Cell | None) -> date:
        if cell is None:
            return self.context.options.on or date(1800, 1, 1)  # asked, and so never written
        return self.cells.day(line.number, cell)

    def account_key(self, line: Line, name: str, sign_currency: str) -> tuple[str, bool]:
        """The key of the account, and whether it has an instrument. Many rows are of few accounts."""
        category, stated, ticker = [
            "" if place is None else text_of(cell_at(line, place)) for place in self.places
        ]
        of_account = name, category, stated, ticker, sign_currency
        known = self.accounts.get(of_account)
        if known is None:
            account = self.account(*of_account)
            known = self.reading.account(account), account.instrument is not None
            self.accounts[of_account] = known
        return known

    def account(self, name: str, category: str, stated: str, ticker: str, sign_currency: str) -> Account:
        if not self.is_own:
            name = self.names.name(name, stated, category)
        if not name:
            raise Refused("MISSING_FIELD", "asset")
        if len(name) > NAME_LENGTH or _NOT_IN_NAMES.search(name):
            raise Refused("BAD_NAME", "asset", name[:NAME_LENGTH])
        currency, coin = self.currency(stated, sign_currency, name)
        asset_type = asset_type_of(category) if self.is_own else asset_type_of(category, name)
        if ticker:
            kind = "crypto" if asset_type == "CRYPTO" else "share"
            asset_type = asset_type if asset_type in ("CRYPTO", "FUND", "BONDS") else "STOCKS"
            instrument = Instrument(ticker, ticker, kind, currency)
            return Account(f"{name} {ticker}", currency, asset_type, instrument, name)
        if coin:
            return Account(name, currency, "CRYPTO", Instrument(coin, coin, "crypto", currency), name)
        return Account(name, currency, asset_type)

    def currency(self, stated: str, sign_currency: str, name: str) -> tuple[str, str]:
        """The currency, and the coin where the file names one instead of a currency."""
        if stated:
            code = currency_of_mark(stated)
            if not code and not _CODE.fullmatch(stated.upper()):
                raise Refused("BAD_CURRENCY", "currency", stated)
            if not code:
                return self.default_currency or self.context.coin_currency(), stated.upper()
            if sign_currency and sign_currency != code and is_currency(sign_currency):
                raise Refused("BAD_CURRENCY", "currency", f"{stated} / {sign_currency}")
            return code, ""
        return sign_currency or currency_in_name(name) or self.default_currency, ""

    # --- rows ---

    def unique(self, name: str, line: Line) -> str:
        """Two rows of one name are two accounts: the second gets a number."""
        other = [text_of(cell_at(line, self.columns.get(column))) for column in ("currency", "type")]
        key = "|".join((name, *other))
        self.seen[key] += 1
        if self.seen[key] == 1 or not name:
            return name
        self.reading.warn(FileWarning("REPEATED_NAME", line.number, None, name))
        return f"{name} ({self.seen[key]})"

    def heading(self, index: int | None) -> str:
        heading = "" if index is None or index >= len(self.headings) else self.headings[index]
        return heading or f"column {(index or 0) + 1}"

    def read(self, line: Line) -> dict[str, str]:
        """The row as the file has it."""
        if len(line.cells) == len(self.headings) and "" not in self.headings:
            return dict(zip(self.headings_to_read, map(text_of, line.cells), strict=True))
        return {
            self.heading(index): text_of(cell)
            for index, cell in enumerate(line.cells)
            if (index < len(self.headings) and self.headings[index]) or cell != ""
        }

    def row(
        self,
        line: Line,
        values: Mapping[str, str],
        row_type: RowType | None,
        **rest: Any,
    ) -> FileRow:
        return FileRow(line.number, values, row_type, sheet=self.sheet.name, **rest)
