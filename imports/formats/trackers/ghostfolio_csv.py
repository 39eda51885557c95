"""The CSV that Ghostfolio imports."""

from __future__ import annotations

from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.rows import NAME_LENGTH, FileRow, Options, Reading
from imports.formats.trackers.ghostfolio import Activity, is_nothing, items_of
from imports.formats.trades import ZERO
from imports.reading.refusals import FileRefused
from imports.reading.tables import Document, Line

NAME = "ghostfolio-csv"
COLUMNS = {
    "date": ("date", "tradedate"),
    "symbol": ("code", "symbol", "ticker"),
    "type": ("action", "type", "buy/sell"),
    "quantity": ("quantity", "qty", "shares", "units"),
    "price": ("unitprice", "price", "tradeprice"),
    "fee": ("fee", "commission", "ibcommission"),
    "currency": ("currency", "ccy", "currencyprimary"),
    "account": ("account", "accountid"),
    "note": ("comment", "note"),
    "source": ("datasource",),
}
NEEDED = ("date", "symbol", "type", "quantity", "price", "currency")
# What other programs have beside these columns.
OF_OTHERS = ("isin", "instrumenttype", "subtype", "activitytype", "hb.name", "securities account")


def table_of(document: Document) -> NamedTable | None:
    table = find_table(document, *(COLUMNS[name] for name in NEEDED))
    return None if table is None or table.has(*OF_OTHERS) else table


def fits(document: Document, options: Options) -> int:
    table = table_of(document)
    if table is None:
        return 0
    return 60 if table.has("datasource") else 40 if table.has(*COLUMNS["fee"]) else 20


def read(document: Document, options: Options) -> Reading:
    table = table_of(document)
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    numbers = [name for kind in ("quantity", "price", "fee") for name in COLUMNS[kind]]
    reading, cells = opened(NAME, table, document, options, numbers=numbers, days=COLUMNS["date"])
    reading.read = lambda reading: CsvReader(reading, table, cells, options).rows()
    return reading


class CsvReader(RowReader):
    def fill(self, row: FileRow, line: Line) -> None:
        on = self.day(line, *COLUMNS["date"])
        numbers = [self.number(line, *COLUMNS[name]) or ZERO for name in ("quantity", "price", "fee")]
        quantity, price, fee = (abs(number) for number in numbers)
        activity = Activity(
            self.text(line, *COLUMNS["type"]).upper(),
            on,
            self.text(line, *COLUMNS["symbol"]),
            self.text(line, *COLUMNS["currency"]),
            quantity,
            price,
            fee,
            self.text(line, *COLUMNS["note"]),
            "",
            self.text(line, *COLUMNS["account"])[:NAME_LENGTH],
            is_manual=self.text(line, "datasource").upper() == "MANUAL",
        )
        if not is_nothing(activity):
            row.items = items_of(self.reading, line.number, activity, None, ())
