"""CSV of Portfolio Performance with quotes: those of one security, which the file does not name, or of one a row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from imports.formats.cells import CellReader, Refused
from imports.formats.named_columns import HEADER_LINES, NamedTable, RowReader, opened
from imports.formats.rows import (
    CHOSEN,
    NAME_LENGTH,
    Example,
    FileRow,
    FileWarning,
    Instrument,
    Options,
    PriceItem,
    Question,
    Reading,
    RowType,
)
from imports.formats.trackers.performance_words import COLUMNS, places_in
from imports.formats.trades import units
from imports.reading.currencies import major_currency
from imports.reading.days import DMY, numbers_of, read_day
from imports.reading.numbers import is_number
from imports.reading.refusals import FileRefused, Reason
from imports.reading.tables import Document, Line, text_of
from imports.reading.words import words_of

NAMES = ("date", "quote", "isin", "wkn", "symbol", "security", "note", "currency")
SECURITY = ("isin", "wkn", "symbol", "security")
SAMPLE_LINES = 25
WORDS = {name: COLUMNS[name] for name in NAMES if name != "currency"}
WORDS["date"] |= words_of(
    "alım tarihi, data quotazione, data da cotação, data de cotització, data notowania, date de cotation",
    "date of quote, dato for kurs, datum kurzu, fecha de cotización, hinnan päiväys, koersdatum, kursdatum",
    "дата котировки",
)
WORDS["currency"] = words_of(
    "currency, devise, divisa, döviz, moeda, měna, valuta, valuutta, waluta, währung, валюта"
)


def table_of(document: Document) -> NamedTable | None:
    """A table of quotes has no other columns: with amounts or shares it is another one."""
    for table in document.tables:
        for header in table.first(HEADER_LINES):
            places = places_in(header, WORDS)
            headings = [index for index, cell in enumerate(header.cells) if text_of(cell)]
            if {"date", "quote"} <= places.keys() and sorted(places.values()) == headings:
                return NamedTable(table, header, places)
    return None


def fits(document: Document) -> int:
    table = table_of(document)
    if table is None:
        return 0
    lines = list(islice(table, SAMPLE_LINES))
    return 45 if not lines or any(is_quote(table, line) for line in lines) else 0


def is_quote(table: NamedTable, line: Line) -> bool:
    on, quote = table.cell(line, "date"), table.cell(line, "quote")
    is_day = read_day(on.strip(), DMY) or numbers_of(on.strip()) if isinstance(on, str) else True
    return bool(is_day) and (is_number(quote) if isinstance(quote, str) else True)


def read(name: str, document: Document, options: Options) -> Reading:
    table = table_of(document)
    if table is None:
        raise FileRefused("UNKNOWN_FORMAT")
    reading, cells = opened(name, table, document, options, numbers=("quote",), days=("date",))
    if not (table.has(*SECURITY) or options.symbol or options.instrument_id):
        alone = document.name.rsplit(".", 1)[0]
        reading.questions.append(Question("SECURITY", "symbol", suggestion=alone[:NAME_LENGTH] or None))
    reading.read = lambda reading: rows_of(reading, table, cells, options)
    return reading


def rows_of(reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> Iterator[FileRow]:
    reader, is_empty = QuoteReader(reading, table, cells, options), True
    for row in reader.rows():
        is_empty = False
        yield row
    if reader.without_currency:
        reading.questions.append(Question("CURRENCY", "currency", examples=tuple(reader.without_currency)))
    if is_empty:
        reading.warn(FileWarning("NOTHING_INSIDE"))


class QuoteReader(RowReader):
    row_type = RowType.PRICE

    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        super().__init__(reading, table, cells, options)
        self.without_currency: list[Example] = []
        self.names_securities = table.has(*SECURITY)

    def fill(self, row: FileRow, line: Line) -> None:
        if not row.read:
            row.row_type, row.skip = None, Reason("EMPTY")
            return
        on, quote = self.day(line, "date"), self.number(line, "quote")
        if quote is None:
            raise Refused("MISSING_FIELD", "quote")
        if quote < 0:
            raise Refused("OUT_OF_RANGE", "quote", format(quote, "f")[:100])
        price = units(quote, "quote")
        key = self.reading.instrument(self.instrument(line))
        row.items = (PriceItem(key, on, price),) if price else ()

    def instrument(self, line: Line) -> Instrument:
        if not self.names_securities:
            symbol = self.options.symbol
            if self.options.instrument_id or not symbol:
                return CHOSEN
            currency, unit = self.currency(line)
            return Instrument(symbol[:40], symbol, "share", currency, quote_unit=unit)
        isin = self.text(line, "isin").upper()
        symbol = (self.text(line, "symbol") or self.text(line, "wkn"))[:40]
        name = self.text(line, "security")[:NAME_LENGTH] or symbol or isin
        if not name:
            raise Refused("MISSING_FIELD", "security")
        currency, unit = self.currency(line)
        return Instrument(symbol, name, "share", currency, isin, quote_unit=unit)

    def currency(self, line: Line) -> tuple[str, str]:
        stated = self.text(line, "currency") or self.options.currency or ""
        code, unit = major_currency(stated)
        if stated and not code:
            raise Refused("BAD_CURRENCY", "currency", stated[:20])
        if not code and len(self.without_currency) < 5:
            self.without_currency.append(Example(line.number, self.text(line, "quote")[:100]))
        return code, unit
