"""Homebox's CSV or TSV: the things of a household."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from imports.formats.cells import Refused
from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    AssetItem,
    Details,
    Example,
    FileRow,
    FileWarning,
    Item,
    Options,
    Question,
    Reading,
    RowType,
    ValueItem,
)
from imports.formats.trades import flow, money
from imports.reading.refusals import FileRefused
from imports.reading.tables import Document, Line

NAME = "homebox"
PRICES = ("hb.purchase_price", "hb.sold_price")
BOUGHT, SOLD = ("hb.purchase_date", "hb.purchase_time"), ("hb.sold_date", "hb.sold_time")
NOTES = (
    "hb.description",
    "hb.notes",
    "hb.manufacturer",
    "hb.model_number",
    "hb.serial_number",
    "hb.purchase_from",
)
NO_DAY = "0001-01-01"  # what an empty day is in some exports


def table_of(document: Document) -> NamedTable | None:
    return find_table(document, ("hb.name",))


def fits(document: Document, options: Options) -> int:
    return 100 if table_of(document) else 0


def read(document: Document, options: Options) -> Reading:
    table = table_of(document)
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    numbers = (*PRICES, "hb.quantity")
    reading, cells = opened(NAME, table, document, options, numbers=numbers, days=(*BOUGHT, *SOLD))
    reading.read = lambda reading: rows_of(reading, HomeboxReader(reading, table, cells, options))
    return reading


def rows_of(reading: Reading, reader: HomeboxReader) -> Iterator[FileRow]:
    is_empty = True
    for row in reader.rows():
        is_empty = False
        yield row
    if reader.priced and not reader.options.currency:
        reading.questions.append(Question("CURRENCY", "currency", examples=tuple(reader.priced)))
    if reader.without_day and not reader.options.on:
        reading.questions.append(Question("DAY", "on", examples=tuple(reader.without_day)))
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class HomeboxReader(RowReader):
    row_type = RowType.ASSET

    def rows(self) -> Iterator[FileRow]:
        self.priced: list[Example] = []
        self.without_day: list[Example] = []
        self.seen: Counter[str] = Counter()
        yield from super().rows()

    def fill(self, row: FileRow, line: Line) -> None:
        name = self.text(line, "hb.name")
        if not name or len(name) > NAME_LENGTH - 10:
            raise Refused("BAD_NAME" if name else "MISSING_FIELD", "name", name[:NAME_LENGTH])
        bought_on, sold_on = self.optional_day(line, *BOUGHT), self.optional_day(line, *SOLD)
        if bought_on and sold_on and sold_on < bought_on:
            raise Refused("BAD_DATE", "sold_date", sold_on.isoformat())
        price, proceeds = (self.price(line, column) for column in PRICES)
        quantity = self.number(line, "hb.quantity")
        details = Details(
            notes="\n".join(text for column in NOTES if (text := self.text(line, column))),
            quantity=Decimal(1) if quantity is None else abs(quantity) or None,
            acquired_on=bought_on,
            disposed_on=sold_on,
            proceeds=proceeds if sold_on else None,
            categories=self.categories(line),
            tags=tuple(parts(self.text(line, "hb.tags", "hb.labels"), ";")),
        )
        self.seen[name] += 1
        if self.seen[name] > 1:
            self.reading.warn(FileWarning("REPEATED_NAME", line.number, None, name))
            name = f"{name} ({self.seen[name]})"
        row.items = self.items(line, name, details, price)

    def items(self, line: Line, name: str, details: Details, price: Decimal | None) -> tuple[Item, ...]:
        """Without a currency it is that of the portfolio; it is asked where there is a price."""
        account = Account(name, self.options.currency or "", "PERSONAL_PROPERTY", details=details)
        if not account.currency:
            account = replace(account, in_base_currency=True)
        key = self.reading.account(account)
        if not price:
            return (AssetItem(key),)
        on = details.acquired_on or self.options.on
        if len(self.priced) < 5:
            self.priced.append(Example(line.number, format(price, "f")))
        if on is None:
            if len(self.without_day) < 5:
                self.without_day.append(Example(line.number, name))
            on = date(1800, 1, 1)  # asked, and so never written
        if details.disposed_on and details.disposed_on < on:
            raise Refused("BAD_DATE", "sold_date", details.disposed_on.isoformat())
        return AssetItem(key), flow(key, on, price), ValueItem(key, on, price)

    def price(self, line: Line, column: str) -> Decimal | None:
        number = self.number(line, column)
        return None if number is None else abs(money(self.reading, line.number, number, column))

    def optional_day(self, line: Line, *names: str) -> date | None:
        text = self.text(line, *names)
        return None if not text or text.startswith(NO_DAY) else self.day(line, *names)

    def categories(self, line: Line) -> tuple[tuple[str, ...], ...]:
        path = tuple(parts(self.text(line, "hb.location"), "/"))
        return (path,) if path else ()


def parts(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]
