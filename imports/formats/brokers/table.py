"""Trades in a table of any broker, or of one's own: its columns are found by their headings, or named by a person."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from imports.formats.brokers.money import Booker, Sums
from imports.formats.brokers.table_layout import SECURITY, heading_at, trades_of
from imports.formats.brokers.table_words import (
    ACTION,
    BUY,
    CLASSES,
    EXPENSE,
    IN,
    INCOME,
    KINDS,
    MOVED,
    OUT,
    PAID,
    RECEIVED,
    SELL,
)
from imports.formats.cells import CellReader, Refused, is_empty
from imports.formats.named_columns import NamedTable, RowReader, opened
from imports.formats.quote_units import PER_CENT, QuoteUnits
from imports.formats.rows import (
    NAME_LENGTH,
    Example,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    Question,
    Reading,
)
from imports.formats.spreadsheets import transactions
from imports.formats.trades import ZERO, Trade, amount_of, cash_account, holding
from imports.reading.currencies import currency_in_heading, currency_of_mark, major_currency, minor_units
from imports.reading.numbers import plus
from imports.reading.refusals import Reason
from imports.reading.tables import Document, Line
from imports.reading.words import is_total

NAME = transactions.NAME
NUMBERS = ("quantity", "price", "amount", "fee", "tax")
MONEY = (INCOME, EXPENSE, RECEIVED, PAID, MOVED)
SIGNS = {RECEIVED: 1, PAID: -1, INCOME: 1, EXPENSE: -1}
MOST_EXAMPLES = 5


def fits(document: Document, options: Options) -> int:
    """Bookings of money alone have no quantity."""
    return 12 if trades_of(document, options) else transactions.fits(document, options)


def read(document: Document, options: Options) -> Reading:
    table = trades_of(document, options)
    if table is None:
        return transactions.read(document, options)
    reading, cells = opened(NAME, table, document, options, numbers=NUMBERS, days=("date",))
    reading.detected |= {
        "layout": "trades",
        "columns": {name: heading_at(table, name) or None for name in table.places},
    }
    if missing := missing_columns(table):
        wanted = "; ".join(f"{name} = ?" for name in missing)
        headings = " | ".join(text for text in reading.headings if text)
        example = Example(table.header.number, f"{wanted} ({headings})"[:200])
        reading.questions.append(Question("COLUMNS", "columns", examples=(example,)))
    reading.read = lambda reading: rows_of(reading, table, cells, options)
    return reading


def missing_columns(table: NamedTable) -> list[str]:
    missing = [] if "date" in table.places else ["date"]
    return missing if table.places.keys() & set(SECURITY) else [*missing, "security"]


def rows_of(reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> Iterator[FileRow]:
    reader, is_empty_file = TradesReader(reading, table, cells, options), True
    for row in reader.rows():
        is_empty_file = False
        yield row
    if reader.without_currency:
        reading.questions.append(Question("CURRENCY", "currency", examples=tuple(reader.without_currency)))
    if is_empty_file:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class TradesReader(RowReader):
    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        super().__init__(reading, table, cells, options)
        self.without_currency: list[Example] = []
        named = (currency_in_heading(heading_at(table, name)) for name in ("amount", "price", "fee"))
        self.currency_of_file = next((code for code in named if code), "") or options.currency or ""
        # Only a file that has rows of money has the money of its trades.
        self.has_money = any(self.kind(line) in MONEY and not self.has_security(line) for line in table)
        self.names: dict[str, str] = {}
        self.taken: set[str] = set()
        self.quote_units = QuoteUnits()
        for line in table if table.has("class") else ():
            self.look_at(line)

    def look_at(self, line: Line) -> None:
        """Whether bonds are quoted in per cent."""
        if self.class_of(line) == "bond" and self.has_security(line):
            try:
                numbers = [self.number(line, name) for name in ("quantity", "price", "amount")]
            except Refused:
                return
            self.quote_units.see(self.security(line), PER_CENT, *numbers)

    def class_of(self, line: Line) -> str:
        return CLASSES.get(self.text(line, "class").casefold(), "share")

    def security(self, line: Line) -> str:
        """By what the file knows it."""
        return next(text for name in SECURITY if (text := self.text(line, name)))

    def fill(self, row: FileRow, line: Line) -> None:
        if not row.read or any(is_total(text) for text in list(row.read.values())[:2]):
            row.row_type, row.skip = None, Reason("TOTAL" if row.read else "EMPTY")
            return
        row.items = self.booked(line, self.kind(line))

    def kind(self, line: Line) -> str:
        """ "" for a type that is not known. Without a column of types the sign of the quantity decides."""
        if self.table.has("type"):
            return KINDS.get(" ".join(self.text(line, "type").replace("_", " ").split()).casefold(), "")
        return SELL if self.text(line, "quantity").startswith(("-", "(", "\u2212")) else BUY

    def booked(self, line: Line, kind: str) -> tuple[Item, ...]:
        stated = self.text(line, "type")
        if kind == ACTION:
            raise Refused("UNSUPPORTED_ACTION", "type", stated[:100])
        if not kind:
            raise Refused("UNKNOWN_TYPE" if stated else "MISSING_FIELD", "type", stated[:100])
        currency, unit = self.currency(line)
        unit = self.unit_of(line, unit)
        booker = Booker(
            self.reading,
            line.number,
            self.day(line, "date"),
            cash_account(self.reading, currency, self.account(line)) if self.has_money else "",
            self.text(line, "note"),
            self.text(line, "id"),
        )
        if kind in (BUY, SELL, IN, OUT):
            return self.trade(line, kind, booker, currency, unit)
        return self.money(line, kind, booker, currency, unit)

    def unit_of(self, line: Line, unit: str) -> str:
        is_known = unit != "1" or not self.has_security(line)
        return unit if is_known else self.quote_units.of(self.security(line), unit)

    def trade(self, line: Line, kind: str, booker: Booker, currency: str, unit: str) -> tuple[Item, ...]:
        quantity, price = self.number(line, "quantity"), self.number(line, "price")
        if not quantity:
            raise Refused("MISSING_FIELD", "quantity")
        fee, tax = (abs(self.number(line, name) or ZERO) for name in ("fee", "tax"))
        is_bought = kind in (BUY, IN)
        trade = Trade(
            self.holding(line, currency, unit),
            "ACQUIRE" if is_bought else "DISPOSE",
            booker.on,
            currency,
            quantity,
            price,
            self.gross(line, amount_of(quantity, price, unit), plus(fee, tax), currency, is_bought=is_bought),
            fee,
            tax,
            quote_unit=unit,
        )
        return booker.trade(trade, has_cash=self.has_money and kind in (BUY, SELL))

    def gross(
        self, line: Line, product: Decimal | None, costs: Decimal, currency: str, *, is_bought: bool
    ) -> Decimal | None:
        """The amount before the costs: where quantity x price say that the column is after them, without these."""
        stated = self.number(line, "amount")
        if not stated:
            return None if product is not None else stated
        before = plus(abs(stated), -costs if is_bought else costs)
        if product is None or not costs:
            return abs(stated)
        is_after = abs(plus(product, -before)) < Decimal(1).scaleb(-minor_units(currency))
        return before if is_after else abs(stated)

    def money(self, line: Line, kind: str, booker: Booker, currency: str, unit: str) -> tuple[Item, ...]:
        stated = self.number(line, "amount")
        if stated is None:
            stated = amount_of(self.number(line, "quantity"), self.number(line, "price"), unit)
        fee, tax = (-abs(self.number(line, name) or ZERO) for name in ("fee", "tax"))
        if stated is None and kind != EXPENSE:
            raise Refused("MISSING_FIELD", "amount")
        amount = stated or ZERO
        if kind in SIGNS and not (kind == INCOME and amount < 0):
            amount = SIGNS[kind] * abs(amount)
        if kind in (RECEIVED, PAID, MOVED):
            return booker.flow(Sums(amount, fee, tax))
        account = self.holding(line, currency, unit) if self.has_security(line) else booker.cash
        items = booker.earned(account, Sums(amount, fee, tax), currency)
        return items if self.has_money else items[:1]

    # --- what a row says ---

    def has_security(self, line: Line) -> bool:
        return any(self.text(line, name) for name in SECURITY)

    def account(self, line: Line) -> str:
        return (self.text(line, "account") or self.options.account or "")[: NAME_LENGTH - 4]

    def currency(self, line: Line) -> tuple[str, str]:
        """That of its column, else the one beside a number, else the one of the file. It is asked for where none is."""
        stated = self.text(line, "currency")
        if stated:
            code, unit = major_currency(stated)
            if not code and not (code := currency_of_mark(stated)):
                raise Refused("BAD_CURRENCY", "currency", stated[:20])
            return code, unit
        for name in ("amount", "price"):
            cell = self.table.cell(line, name)
            if not is_empty(cell) and (beside := self.cells.number(line.number, cell, name)[1]):
                return beside, "1"
        if not self.currency_of_file:
            if len(self.without_currency) < MOST_EXAMPLES:
                text = " ".join(self.table.read(line).values())
                self.without_currency.append(Example(line.number, text[:200]))
            raise Refused("MISSING_FIELD", "currency")
        return self.currency_of_file, "1"

    def holding(self, line: Line, currency: str, unit: str) -> str:
        symbol, isin = self.text(line, "ticker"), self.text(line, "isin").upper()
        ids = {name: self.text(line, name) for name in ("cusip", "sedol")}
        name = self.text(line, "security") or symbol or isin or ids["cusip"] or ids["sedol"]
        if not name or max(map(len, (name, symbol, isin, *ids.values()))) > NAME_LENGTH:
            raise Refused("BAD_NAME" if name else "MISSING_FIELD", "security", name[:NAME_LENGTH])
        if len(symbol) == 12 and not isin and symbol.isalnum():
            symbol, isin = "", symbol.upper()
        own_name = self.name_of(isin or symbol or name, name)
        instrument = Instrument(symbol[:40], own_name, self.class_of(line), currency, isin, unit, **ids)
        return holding(self.reading, instrument, self.account(line))

    def name_of(self, security: str, name: str) -> str:
        """The first name that the file gives it. Two securities of one name are two accounts."""
        if security not in self.names:
            own = name if name not in self.taken else f"{name[: NAME_LENGTH - 45]} ({security[:40]})"
            self.taken.add(own)
            self.names[security] = own
        return self.names[security]
