"""Wealthfolio's CSV of activities, and of holdings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from imports.formats.cells import CellReader, Refused
from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.quote_units import OPTION_SHARES, PER_CENT, QuoteUnits
from imports.formats.rows import (
    NAME_LENGTH,
    ActionItem,
    FileRow,
    FileWarning,
    Instrument,
    Item,
    Options,
    PriceItem,
    QuantityItem,
    Reading,
    RowType,
    ValueItem,
)
from imports.formats.trades import (
    ZERO,
    Trade,
    amount_of,
    booking,
    cash_account,
    earned_or_spent,
    flow,
    holding,
    money,
    net_of,
    paid_or_received,
    units,
)
from imports.reading.currencies import major_currency
from imports.reading.refusals import FileRefused, Reason
from imports.reading.tables import Document, Line

NAME = "wealthfolio-csv"
TYPE, PRICE = ("activitytype", "type"), ("unit_price", "unitprice")
NUMBERS = ("quantity", *PRICE, "fee", "amount", "price")
KINDS = {"EQUITY": "share", "BOND": "bond", "OPTION": "option", "CRYPTO": "crypto", "METAL": "commodity"}
KINDS |= {"FX": "currency", "ETF": "etf", "FUND": "fund", "MUTUALFUND": "fund"}
USUAL_UNITS = {"BOND": PER_CENT, "OPTION": OPTION_SHARES}  # of those whose amount is that of the file
TRADES = {"BUY": "ACQUIRE", "SELL": "DISPOSE"}
FLOWS = {"DEPOSIT": 1, "WITHDRAWAL": -1, "TRANSFER_IN": 1, "TRANSFER_OUT": -1}
EARNED = {"INTEREST": 1, "DIVIDEND": 1, "CREDIT": 1, "FEE": -1, "TAX": -1}
HOLDINGS = {"date", "symbol", "quantity", "price", "currency"}
CASH_SYMBOL = "$CASH"


def activities(document: Document) -> NamedTable | None:
    return find_table(
        document, ("date",), TYPE, ("symbol",), ("quantity",), PRICE, ("instrumenttype", "subtype", "fxrate")
    )


def holdings(document: Document) -> NamedTable | None:
    table = find_table(document, *((name,) for name in HOLDINGS))
    return table if table is not None and set(table.places) - {""} == HOLDINGS else None


def fits(document: Document, options: Options) -> int:
    return 80 if activities(document) or holdings(document) else 0


def read(document: Document, options: Options) -> Reading:
    table = activities(document)
    kind: type[RowReader] = Activities
    if table is None:
        table, kind = holdings(document), Holdings
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    reading, cells = opened(NAME, table, document, options, numbers=NUMBERS, days=("date",))
    reading.read = lambda reading: rows_of(reading, kind(reading, table, cells, options))
    return reading


def rows_of(reading: Reading, reader: RowReader) -> Iterator[FileRow]:
    is_empty = True
    for row in reader.rows():
        is_empty = False
        yield row
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class Activities(RowReader):
    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        super().__init__(reading, table, cells, options)
        self.currencies: dict[str, str] = {}  # of the first booking of each symbol
        every: Counter[str] = Counter()
        self.quote_units = QuoteUnits()
        for line in table:
            self.look_at(line)
            code = major_currency(self.text(line, "currency"))[0]
            if code:
                every[code] += 1
                self.currencies.setdefault(self.text(line, "symbol"), code)
        self.most = max(sorted(every), key=lambda code: every[code]) if every else options.currency or ""

    def look_at(self, line: Line) -> None:
        """How bonds and options are quoted: the amount of the row shows it."""
        usual = USUAL_UNITS.get(self.text(line, "instrumenttype").upper())
        if usual and self.text(line, *TYPE).upper() in TRADES:
            try:
                numbers = (self.number(line, *names) for names in (("quantity",), PRICE, ("amount",)))
                self.quote_units.see(self.text(line, "symbol"), usual, *numbers)
            except Refused:
                return

    def fill(self, row: FileRow, line: Line) -> None:
        kind = self.text(line, *TYPE).upper()
        on, symbol = self.day(line, "date"), self.text(line, "symbol")
        if kind == "SPLIT":
            row.row_type, row.items = RowType.ACTION, self.split(line, on)
        elif kind == "UNKNOWN" or (kind == "ADJUSTMENT" and not self.number(line, "amount")):
            row.skip = Reason("NOT_A_TRANSACTION")
        elif kind in TRADES or (kind in FLOWS and symbol and self.number(line, "quantity")):
            row.items = self.trade(line, on, kind)
        elif kind in FLOWS:
            row.items = self.money(line, on, kind, FLOWS[kind], is_flow=True)
        elif kind in ("DIVIDEND", "INTEREST") and symbol:
            row.items = self.income(line, on)
        elif kind in EARNED:
            row.items = self.money(line, on, kind, EARNED[kind], is_flow=False)
        else:
            raise Refused("UNKNOWN_TYPE" if kind else "MISSING_FIELD", "type", kind[:100])

    def trade(self, line: Line, on: date, kind: str) -> tuple[Item, ...]:
        """A security that is moved in or out has no money: it is bought or sold at its price."""
        currency, unit = self.currency(line)
        quantity = self.number(line, "quantity")
        if not quantity:
            raise Refused("MISSING_FIELD", "quantity")
        price = self.number(line, *PRICE)
        is_said = self.text(line, "instrumenttype").upper() in USUAL_UNITS
        amount = self.number(line, "amount") if is_said or price is None else None
        known = TRADES.get(kind) or ("ACQUIRE" if FLOWS[kind] > 0 else "DISPOSE")
        trade = Trade(
            self.holding(line, currency, unit),
            known,
            on,
            currency,
            quantity,
            price,
            amount,
            self.number(line, "fee") or ZERO,
            note=self.note(line),
            quote_unit=self.quote_unit(line, unit),
        )
        item = booking(self.reading, line.number, trade)
        if kind in FLOWS:
            return (item,)
        paid = net_of(item)
        return (item, paid_or_received(item, self.cash(line, currency), paid)) if paid else (item,)

    def income(self, line: Line, on: date) -> tuple[Item, ...]:
        currency, unit = self.currency(line)
        amount = abs(self.amount(line, unit))
        fee = self.number(line, "fee") or ZERO
        asset = self.holding(line, currency, unit)
        trade = Trade(asset, "INCOME", on, currency, None, None, amount, fee, note=self.note(line))
        item = booking(self.reading, line.number, trade)
        paid = net_of(item)
        return (item, paid_or_received(item, self.cash(line, currency), paid)) if paid else ()

    def money(self, line: Line, on: date, kind: str, sign: int, *, is_flow: bool) -> tuple[Item, ...]:
        """A charge that is given with money is a cost of its own."""
        currency, unit = self.currency(line)
        key, note = self.cash(line, currency), self.note(line)
        amount = sign * abs(self.amount(line, unit))
        fee = money(self.reading, line.number, abs(self.number(line, "fee") or ZERO), "fee")
        if kind == "FEE" and not amount:
            amount, fee = -fee, ZERO
        booked = flow(key, on, amount, note) if is_flow else earned_or_spent(key, on, amount, note)
        items: list[Item] = [booked] if amount else []
        if fee:
            items.append(earned_or_spent(key, on, -fee, note, leg="fee"))
        return tuple(items)

    def split(self, line: Line, on: date) -> tuple[Item, ...]:
        """The ratio is the quantity or the amount, whichever is neither empty nor 1."""
        symbol = self.text(line, "symbol")
        currency, unit = self.currency(line)
        numbers = (self.number(line, name) for name in ("quantity", "amount"))
        ratio = next((number for number in numbers if number and number != 1), None)
        if ratio is None or ratio < 0 or not symbol:
            raise Refused("MISSING_FIELD", "quantity" if symbol else "symbol")
        whole = ratio.as_integer_ratio()
        key = self.reading.instrument(self.instrument(line, currency, unit))
        return (ActionItem(key, on, "split", whole[0], whole[1]),)

    # --- what a row says ---

    def currency(self, line: Line) -> tuple[str, str]:
        """That of the row, else that of the security elsewhere in the file, else that of most rows."""
        stated = self.text(line, "currency")
        if stated:
            code, unit = major_currency(stated)
            if not code:
                raise Refused("BAD_CURRENCY", "currency", stated[:20])
            return code, unit
        code = self.currencies.get(self.text(line, "symbol")) or self.most
        if not code:
            raise Refused("MISSING_FIELD", "currency")
        self.reading.warn(FileWarning("CURRENCY_ASSUMED", line.number, "currency", code))
        return code, "1"

    def amount(self, line: Line, unit: str) -> Decimal:
        stated = self.number(line, "amount")
        if stated is None:
            stated = amount_of(self.number(line, "quantity"), self.number(line, *PRICE), unit) or ZERO
        return money(self.reading, line.number, stated, "amount")

    def note(self, line: Line) -> str:
        return " ".join(text for text in (self.text(line, "comment"), self.text(line, "subtype")) if text)

    def cash(self, line: Line, currency: str) -> str:
        return cash_account(self.reading, currency, self.text(line, "account")[: NAME_LENGTH - 4])

    def instrument(self, line: Line, currency: str, unit: str) -> Instrument:
        symbol = self.text(line, "symbol")
        if len(symbol) > NAME_LENGTH:
            raise Refused("BAD_NAME", "symbol", symbol[:NAME_LENGTH])
        kind = KINDS.get(self.text(line, "instrumenttype").upper(), "share")
        own = self.currencies.get(symbol, currency)
        unit = self.quote_unit(line, unit)
        return Instrument(symbol[:40], symbol, kind, own, self.text(line, "isin").upper(), unit)

    def quote_unit(self, line: Line, unit: str) -> str:
        return unit if unit != "1" else self.quote_units.of(self.text(line, "symbol"), unit)

    def holding(self, line: Line, currency: str, unit: str) -> str:
        if not self.text(line, "symbol"):
            raise Refused("MISSING_FIELD", "symbol")
        holder = self.text(line, "account")[:NAME_LENGTH]
        return holding(self.reading, self.instrument(line, currency, unit), holder)


class Holdings(RowReader):
    def fill(self, row: FileRow, line: Line) -> None:
        on, symbol = self.day(line, "date"), self.text(line, "symbol")
        currency, unit = major_currency(self.text(line, "currency"))
        if not currency:
            raise Refused("BAD_CURRENCY", "currency", self.text(line, "currency")[:20])
        quantity, price = self.number(line, "quantity"), self.number(line, "price")
        if not symbol or len(symbol) > NAME_LENGTH or quantity is None:
            raise Refused(
                "MISSING_FIELD", "symbol" if quantity is not None else "quantity", symbol[:NAME_LENGTH]
            )
        if symbol.upper().startswith(CASH_SYMBOL):
            row.row_type = RowType.VALUE
            value = money(self.reading, line.number, quantity, "quantity")
            row.items = (ValueItem(cash_account(self.reading, currency), on, value),)
            return
        instrument = Instrument(symbol[:40], symbol, "share", currency, "", unit)
        key = holding(self.reading, instrument)
        items: list[Item] = [QuantityItem(key, on, quantity)]
        if quoted := units(price, "price"):
            items.append(PriceItem(instrument.key, on, quoted))
        row.items = tuple(items)
