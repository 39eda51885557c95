"""Bookings of banks and cards, as nearly every bank exports them: a day, an amount, and what it was for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from imports.formats.cells import CellReader, Refused, is_empty
from imports.formats.questions import ask_about_days, ask_about_decimals, ask_about_encoding
from imports.formats.row_results import filled
from imports.formats.rows import (
    NAME_LENGTH,
    OF_AN_ACCOUNT,
    Account,
    Example,
    FileRow,
    FileWarning,
    Item,
    Options,
    Question,
    Reading,
    RowType,
    TransactionItem,
    ValueItem,
)
from imports.formats.spreadsheets.bookings_layout import BookingsLayout, find_bookings
from imports.formats.spreadsheets.networth_layout import cell_at
from imports.reading.choices import require_columns
from imports.reading.currencies import currency_in_heading, currency_in_name, currency_of_mark
from imports.reading.days import DMY
from imports.reading.kinds import asset_type_of
from imports.reading.numbers import POINT
from imports.reading.refusals import Reason
from imports.reading.tables import Cell, Document, Line, Table, sheet_list, text_of
from imports.reading.words import is_total, words_of

NAME = "transactions"
BOOKED = words_of(
    "completed, booked, settled, posted, cleared, reconciled, success, gebucht, abgeschlossen, ok, done, comptabilisé",
    "terminé, effectué, exécuté, completado, liquidado, contabilizado, completata, completato, eseguito, voltooid",
    "verwerkt",
)
PENDING_INFO = words_of("umsatz vorgemerkt")  # of a savings bank, which has no column for the state
FLOWS = words_of(
    "transfer, exchange, topup, top-up, internal transfer, transfer in, transfer out, umbuchung, übertrag, virement"
    " interne, trasferimento, traspaso, credit card payment, money transfer",
    "bank deposit to pp account, general withdrawal, user initiated withdrawal, general currency conversion",
    "bankgutschrift auf paypal-konto, allgemeine währungsumrechnung, allgemeine abbuchung",
    "von nutzer eingeleitete abbuchung",
)
ACCOUNT_TYPES = ("CHECKING_ACCOUNT", "SAVINGS_ACCOUNT", "CREDIT_CARD", "CASH", "LOAN", "MORTGAGE")
DEBIT = words_of("debit, dr, d, soll, s, lastschrift, af, debet")
CREDIT = words_of("credit, cr, c, haben, h, gutschrift, bij")
NO_CHANGE = words_of("memo")  # of a row of PayPal that leaves the balance as it is
MOST_EXAMPLES = 5


@dataclass(slots=True)
class Sheet:
    table: Table
    layout: BookingsLayout


@dataclass(slots=True)
class Balances:
    """Which row has the last balance of each day of an account: files begin with the newest booking or the oldest."""

    newest_first: bool
    rows: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def see(self, key: tuple[str, str, str], line: int) -> None:
        if not self.newest_first or key not in self.rows:
            self.rows[key] = line


def sheets_of(document: Document, options: Options) -> list[Sheet]:
    tables = [table for table in document.tables if options.sheet in (None, table.name)]
    layouts = [
        (table, find_bookings(table, header_row=options.header_row, chosen=options.columns))
        for table in tables
    ]
    return [Sheet(table, layout) for table, layout in layouts if layout]


def fits(document: Document, options: Options) -> int:
    return 5 if sheets_of(document, options) else 0


def read(document: Document, options: Options) -> Reading:
    sheets = sheets_of(document, options)
    require_columns(options.columns, ((sheet.table, sheet.layout.header) for sheet in sheets))
    reading = Reading(NAME, {}, lambda reading: iter(()))
    decimal = ask_about_decimals(reading, options, lambda: texts(sheets, AMOUNTS))
    order = ask_about_days(reading, options, lambda: texts(sheets, ("date",)))
    ask_about_encoding(reading, document, options)
    if any("account" not in sheet.layout.columns for sheet in sheets) and not options.account:
        name = document.name.rsplit(".", 1)[0] or None
        reading.questions.append(Question("ACCOUNT", "account", suggestion=name))
    reading.headings = [text_of(cell) for sheet in sheets for cell in sheet.layout.header.cells]
    reading.detected = detected(document, sheets, decimal, order)
    reading.read = lambda reading: rows_of(
        reading, document, sheets, options, CellReader(reading, decimal or POINT, order or DMY)
    )
    return reading


AMOUNTS = ("amount", "inflow", "outflow", "balance", "fee")


def texts(sheets: list[Sheet], names: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for sheet in sheets:
        indexes = [sheet.layout.columns[name] for name in names if name in sheet.layout.columns]
        for line in sheet.layout.rows(sheet.table):
            for index in indexes:
                cell = cell_at(line, index)
                if isinstance(cell, str) and cell:
                    yield line.number, cell


def rows_of(
    reading: Reading, document: Document, sheets: list[Sheet], options: Options, cells: CellReader
) -> Iterator[FileRow]:
    without_currency: list[Example] = []
    has_balances = has_rows = False
    for sheet in sheets:
        reader = BookingReader(reading, document, sheet, options, cells)
        for line in sheet.layout.rows(sheet.table):
            row = reader.row(line)
            has_rows = True
            has_balances |= any(isinstance(item, ValueItem) for item in row.items)
            keys = [item.account for item in row.items if isinstance(item, OF_AN_ACCOUNT)]
            is_bare = bool(keys) and not reading.accounts[keys[0]].currency
            if is_bare and len(without_currency) < MOST_EXAMPLES:
                without_currency.append(Example(row.line, " ".join(row.read.values())[:200]))
            yield row
    if without_currency:
        reading.questions.append(Question("CURRENCY", "currency", examples=tuple(without_currency)))
    if not has_rows:
        reading.warn(FileWarning("NOTHING_INSIDE"))
    elif not has_balances:
        reading.warn(FileWarning("NO_BALANCES"))


class BookingReader:
    """Reads the rows of one table."""

    def __init__(
        self, reading: Reading, document: Document, sheet: Sheet, options: Options, cells: CellReader
    ) -> None:
        self.reading, self.sheet, self.options, self.cells = reading, sheet, options, cells
        self.columns = sheet.layout.columns
        self.headings = [text_of(cell) for cell in sheet.layout.header.cells]
        self.alone = options.account or document.name.rsplit(".", 1)[0] or "Account"
        headings = (sheet.layout.heading(name) for name in ("amount", "outflow", "inflow"))
        named = next((code for heading in headings if (code := currency_in_heading(heading))), "")
        self.default_currency = named or options.currency or ""
        self.types_are_signs = self._types_are_signs()
        self.balances = self._last_balances()

    def _types_are_signs(self) -> bool:
        """Whether the type says debit or credit: then it decides, whatever the sign of the amount."""
        if "type" not in self.columns:
            return False
        rows = self.sheet.layout.rows(self.sheet.table)
        words = {text_of(cell_at(line, self.columns["type"])).casefold() for line in rows}
        return bool(words - {""}) and words - {""} <= DEBIT | CREDIT

    def _last_balances(self) -> Balances:
        balances = Balances(newest_first=False)
        if "balance" not in self.columns:
            return balances
        lines = list(self._dated())
        days = [on for on, _ in lines]
        balances.newest_first = bool(days) and days[0] > days[-1]
        for on, line in lines:
            if not is_empty(cell_at(line, self.columns["balance"])) and not self.state_of_pending(line):
                balances.see(self._balance_key(line, on), line.number)
        return balances

    def _dated(self) -> Iterator[tuple[date, Line]]:
        for line in self.sheet.layout.rows(self.sheet.table):
            try:
                yield self.cells.day(line.number, self.cell(line, "date")), line
            except Refused:
                continue

    def _balance_key(self, line: Line, on: date) -> tuple[str, str, str]:
        return text_of(self.cell(line, "account")), text_of(self.cell(line, "currency")), on.isoformat()

    def cell(self, line: Line, name: str) -> Cell:
        return cell_at(line, self.columns.get(name))

    def heading(self, index: int) -> str:
        heading = self.headings[index] if index < len(self.headings) else ""
        return heading or f"column {index + 1}"

    # --- a row ---

    def row(self, line: Line) -> FileRow:
        read = {self.heading(index): text_of(cell) for index, cell in enumerate(line.cells)}
        row = FileRow(line.number, read, RowType.TRANSACTION, sheet=self.sheet.table.name)
        if is_total(text_of(cell_at(line, 0))):
            row.row_type, row.skip = None, Reason("TOTAL")
        elif state := self.state_of_pending(line):
            row.skip = Reason("NOT_BOOKED", "state", state)
        else:
            return filled(row, lambda: tuple(self.items(line)))
        return row

    def state_of_pending(self, line: Line) -> str:
        """The state of a row that is not booked yet, else ""."""
        state, info = text_of(self.cell(line, "state")), text_of(self.cell(line, "info"))
        if state and state.casefold() not in BOOKED:
            return state
        if (impact := text_of(self.cell(line, "impact"))).casefold() in NO_CHANGE:
            return impact
        return info if info.casefold() in PENDING_INFO else ""

    def items(self, line: Line) -> Iterator[Item]:
        on = self.cells.day(line.number, self.cell(line, "date"))
        amount, sign_currency = self.amount(line)
        key = self.reading.account(self.account(line, sign_currency))
        note = text_of(self.cell(line, "note"))[:10_000]
        external_id = text_of(self.cell(line, "id"))[:150]
        is_flow = text_of(self.cell(line, "type")).casefold() in FLOWS
        if amount:
            yield TransactionItem(
                key,
                booking_type(amount, is_flow=is_flow),
                on,
                None,
                abs(amount),
                note=note,
                external_id=external_id,
            )
        if fee := self.fee(line, amount):
            fee_id = f"{external_id}/fee" if external_id else ""
            kind = "EXPENSE" if fee > 0 else "INCOME"
            yield TransactionItem(key, kind, on, None, abs(fee), note=note, external_id=fee_id)
        if self.balances.rows.get(self._balance_key(line, on)) == line.number:
            balance, _ = self.cells.number(line.number, self.cell(line, "balance"), "balance")
            yield ValueItem(key, on, self.cells.money(line.number, balance, "balance"))

    def amount(self, line: Line) -> tuple[Decimal, str]:
        """Money received is positive, money paid negative. And the currency that is written beside it."""
        if "amount" in self.columns:
            number, currency = self.cells.number(line.number, self.cell(line, "amount"), "amount")
        else:
            inflow, outflow = (self.cell(line, name) for name in ("inflow", "outflow"))
            if is_empty(inflow) and is_empty(outflow):
                raise Refused("MISSING_FIELD", "amount")
            plus, currency = self.side(line, inflow, "inflow")
            minus, other = self.side(line, outflow, "outflow")
            number, currency = abs(plus) - abs(minus), currency or other
        if "side" in self.columns:
            number = abs(number) * self.sign(line, "side")
        elif self.types_are_signs and not is_empty(self.cell(line, "type")):
            number = abs(number) * self.sign(line, "type")
        return self.cells.money(line.number, number, "amount"), currency

    def sign(self, line: Line, column: str) -> int:
        word = text_of(self.cell(line, column))
        if word.casefold() not in DEBIT | CREDIT:
            raise Refused("UNKNOWN_TYPE" if word else "MISSING_FIELD", column, word)
        return -1 if word.casefold() in DEBIT else 1

    def side(self, line: Line, cell: Cell, name: str) -> tuple[Decimal, str]:
        return (Decimal(0), "") if is_empty(cell) else self.cells.number(line.number, cell, name)

    def fee(self, line: Line, amount: Decimal) -> Decimal:
        """What was paid beside the amount; below zero where it was given back, which the net amount shows."""
        fee = abs(self.optional(line, "fee"))
        is_given_back = "net" in self.columns and self.optional(line, "net") == amount + fee
        return -fee if is_given_back else fee

    def optional(self, line: Line, name: str) -> Decimal:
        cell = self.cell(line, name)
        return self.cells.money(line.number, self.side(line, cell, name)[0], name)

    def account(self, line: Line, sign_currency: str) -> Account:
        name = text_of(self.cell(line, "account")) if "account" in self.columns else self.alone
        if not name or len(name) > NAME_LENGTH:
            raise Refused("MISSING_FIELD" if not name else "BAD_NAME", "account", name[:NAME_LENGTH])
        stated = text_of(self.cell(line, "currency"))
        currency = currency_of_mark(stated) if stated else ""
        if stated and not currency:
            raise Refused("BAD_CURRENCY", "currency", stated)
        asset_type = asset_type_of(name)
        return Account(
            name,
            currency or sign_currency or currency_in_name(name) or self.default_currency,
            asset_type if asset_type in ACCOUNT_TYPES else "CHECKING_ACCOUNT",
        )


def booking_type(amount: Decimal, *, is_flow: bool) -> str:
    """A booking is earned or spent; a flow is money that only moves."""
    if is_flow:
        return "ACQUIRE" if amount > 0 else "DISPOSE"
    return "INCOME" if amount > 0 else "EXPENSE"


def detected(
    document: Document, sheets: list[Sheet], decimal: str | None, order: str | None
) -> dict[str, Any]:
    layout = sheets[0].layout
    first = next(iter(layout.rows(sheets[0].table)), None)
    sample = (document.delimiter or " ").join(text_of(cell) for cell in first.cells) if first else ""
    return {
        "encoding": document.encoding,
        "bom": document.has_bom,
        "delimiter": document.delimiter,
        "decimal": decimal,
        "date_order": order,
        "header_row": layout.header.number,
        "layout": "bookings",
        "time_zone": None,
        "columns": {name: layout.heading(name) or None for name in layout.columns},
        "sheets": sheet_list(document, {sheet.table.name: rows_in(sheet) for sheet in sheets}),
        "sample": {"line": first.number, "text": sample[:200]} if first else None,
    }


def rows_in(sheet: Sheet) -> int:
    return sum(1 for _ in sheet.layout.rows(sheet.table))
