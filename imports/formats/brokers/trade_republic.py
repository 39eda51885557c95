"""Trade Republic's CSV of all transactions: trades, income, transfers and payments by card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from imports.formats.brokers.money import Booker, Sums
from imports.formats.cells import CellReader, Refused
from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.quote_units import PER_CENT, QuoteUnits
from imports.formats.rows import NAME_LENGTH, FileRow, FileWarning, Instrument, Item, Options, Reading
from imports.formats.trades import ZERO, Trade, cash_account, holding
from imports.reading.currencies import is_currency
from imports.reading.numbers import POINT, plus
from imports.reading.refusals import FileRefused, Reason
from imports.reading.tables import Document, Line

NAME = "trade-republic-csv"
BROKER = "Trade Republic"
NEEDED = ("datetime", "date", "account_type", "category", "type", "asset_class", "shares", "transaction_id")
NUMBERS = ("shares", "price", "amount", "fee", "tax")
KINDS = {"STOCK": "share", "FUND": "fund", "ETF": "etf", "BOND": "bond", "CRYPTO": "crypto"}
KINDS |= {"DERIVATIVE": "option", "PRIVATE_FUND": "fund"}
BOUGHT = {"BUY", "SAVINGS_PLAN"}
SOLD = {"SELL", "WARRANT_EXERCISE", "TILG", "FINAL_MATURITY", "REDEMPTION", "LIQUIDATION_PROCEEDS"}
DELIVERED = {"FREE_RECEIPT", "MIGRATION"}
FLOWS = {"CUSTOMER_INBOUND", "CUSTOMER_INPAYMENT", "CUSTOMER_OUTBOUND_REQUEST", "MANUAL_CASH_TRANSFER"}
EARNED = {"DIVIDEND", "DISTRIBUTION", "INTEREST_PAYMENT", "COUPON_PAYMENT", "SEC_ACCOUNT"}
EARNED |= {"PRE_DETERMINED_TAX_BASE", "TAX_OPTIMIZATION", "TAX", "TAX_REFUND", "TAX_CORRECTION", "FEE"}
EARNED |= {"BENEFITS_SAVEBACK", "STOCKPERK", "BONUS", "GIFT", "PEA_MARKETING"}


def table_of(document: Document) -> NamedTable | None:
    return find_table(document, *((name,) for name in NEEDED))


def fits(document: Document, options: Options) -> int:
    return 90 if table_of(document) else 0


def read(document: Document, options: Options) -> Reading:
    table = table_of(document)
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    known = replace(options, decimal=options.decimal or POINT)
    reading, cells = opened(NAME, table, document, known, numbers=NUMBERS, days=("date",))
    reading.read = lambda reading: rows_of(reading, table, cells, options)
    return reading


def rows_of(reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> Iterator[FileRow]:
    reader, is_empty = TradeRepublic(reading, table, cells, options), True
    for row in reader.rows():
        is_empty = False
        yield row
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class TradeRepublic(RowReader):
    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        super().__init__(reading, table, cells, options)
        self.migrated: dict[str, Decimal] = {}  # what is left of the shares that were moved out and in
        self.quote_units = QuoteUnits()
        for line in table:
            try:
                self.look_at(line)
            except Refused:
                continue

    def look_at(self, line: Line) -> None:
        symbol, is_bond = self.text(line, "symbol"), self.text(line, "asset_class").upper() == "BOND"
        if self.text(line, "type") == "MIGRATION":
            shares = self.number(line, "shares") or ZERO
            self.migrated[symbol] = plus(self.migrated.get(symbol, ZERO), shares)
        elif is_bond:
            numbers = [self.number(line, name) for name in ("shares", "price", "amount")]
            self.quote_units.see(symbol, PER_CENT, *numbers)

    def fill(self, row: FileRow, line: Line) -> None:
        kind, symbol = self.text(line, "type").upper(), self.text(line, "symbol")
        is_moved = kind.startswith("TRANSFER_") or kind in FLOWS
        is_trade = kind in BOUGHT | SOLD or (kind in DELIVERED and symbol)
        if not (is_trade or is_moved or kind in EARNED or kind.startswith("CARD_")):
            raise Refused("UNKNOWN_TYPE" if kind else "MISSING_FIELD", "type", kind[:100])
        sums = Sums(*(self.number(line, name) or ZERO for name in ("amount", "fee", "tax")))
        booker = self.booker(line)
        if kind == "MIGRATION" and not self.migrated.get(symbol):
            row.skip = Reason("NOT_A_TRANSACTION")
        elif is_trade:
            row.items = self.trade(line, kind, sums, booker)
        elif is_moved:
            row.items = booker.flow(sums)
        else:
            account = self.holding(line) if symbol else booker.cash
            row.items = booker.earned(account, sums, self.currency(line))

    def trade(self, line: Line, kind: str, sums: Sums, booker: Booker) -> tuple[Item, ...]:
        shares, price = self.number(line, "shares"), self.number(line, "price")
        if not shares:
            raise Refused("MISSING_FIELD", "shares")
        is_sale = kind in SOLD or (kind in DELIVERED and shares < 0)
        amount: Decimal | None = sums.amount
        if kind in DELIVERED and not amount:
            amount = None if price else ZERO
        trade = Trade(
            self.holding(line),
            "DISPOSE" if is_sale else "ACQUIRE",
            booker.on,
            self.currency(line),
            shares,
            price,
            amount,
            fee=-min(sums.fee, ZERO),
            tax=-min(sums.tax, ZERO),
            quote_unit=self.quote_units.of(self.text(line, "symbol"), "1"),
        )
        if kind in DELIVERED:
            return booker.trade(trade, has_cash=False)
        given_back = plus(max(sums.fee, ZERO), max(sums.tax, ZERO))
        refunds = (booker.leg(booker.cash, booker.money(given_back), "refund"),) if given_back else ()
        return (*booker.trade(trade), *refunds)

    # --- what a row says ---

    def account(self, line: Line) -> str:
        kind = self.text(line, "account_type")
        return (self.options.account or ("" if kind in ("", "DEFAULT") else f"{BROKER} {kind}"))[:190]

    def booker(self, line: Line) -> Booker:
        names = ("name", "counterparty_name", "description", "payment_reference")
        texts = [self.text(line, name) for name in (names[2:3] if self.text(line, "symbol") else names)]
        return Booker(
            self.reading,
            line.number,
            self.day(line, "date"),
            cash_account(self.reading, self.currency(line), self.account(line)),
            " ".join(text for text in texts if text),
            self.text(line, "transaction_id"),
        )

    def currency(self, line: Line) -> str:
        code = self.text(line, "currency").upper()
        if not is_currency(code):
            raise Refused("BAD_CURRENCY" if code else "MISSING_FIELD", "currency", code[:20])
        return code

    def holding(self, line: Line) -> str:
        symbol = self.text(line, "symbol")
        if not symbol or len(symbol) > NAME_LENGTH:
            raise Refused("BAD_NAME" if symbol else "MISSING_FIELD", "symbol", symbol[:NAME_LENGTH])
        kind = KINDS.get(self.text(line, "asset_class").upper(), "share")
        isin = symbol.upper() if len(symbol) == 12 else ""
        name = self.text(line, "name")[:NAME_LENGTH] or symbol
        unit = self.quote_units.of(symbol, "1")
        instrument = Instrument("" if isin else symbol[:40], name, kind, self.currency(line), isin, unit)
        return holding(self.reading, instrument, self.account(line) or BROKER)
