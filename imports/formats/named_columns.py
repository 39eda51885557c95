"""Tables whose columns have the names that one program gives them: found by these names, and read by them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from imports.formats.cells import CellReader, Refused, is_empty
from imports.formats.questions import ask_about_days, ask_about_decimals, ask_about_encoding
from imports.formats.row_results import ZERO_ROW
from imports.formats.rows import FileRow, Options, Reading, RowType
from imports.reading.choices import require_columns
from imports.reading.days import DMY
from imports.reading.numbers import POINT
from imports.reading.tables import Cell, Document, Line, Table, sheet_list, text_of

HEADER_LINES = 40


@dataclass(frozen=True, slots=True)
class NamedTable:
    """`places` has the index of each heading, in small letters."""

    table: Table
    header: Line
    places: Mapping[str, int]

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self.table if line.number > self.header.number)

    def cell(self, line: Line, *names: str) -> Cell:
        """The cell below the first of the headings that is there; "" for none."""
        for name in names:
            index = self.places.get(name)
            if index is not None:
                return line.cells[index] if index < len(line.cells) else ""
        return ""

    def text(self, line: Line, *names: str) -> str:
        return text_of(self.cell(line, *names))

    def has(self, *names: str) -> bool:
        return any(name in self.places for name in names)

    def read(self, line: Line) -> dict[str, str]:
        """The row as the file has it, without empty cells."""
        headings = [text_of(cell) for cell in self.header.cells]
        read = {}
        for index, cell in enumerate(line.cells):
            heading = headings[index] if index < len(headings) and headings[index] else f"column {index + 1}"
            if text := text_of(cell):
                read[heading] = text
        return read

    def texts(self, names: Collection[str]) -> Iterator[tuple[int, str]]:
        """The cells of these columns with their lines."""
        for line in self:
            for name in names:
                cell = self.cell(line, name)
                if isinstance(cell, str) and (text := cell.strip()):
                    yield line.number, text


def find_table(document: Document, *needed: Collection[str]) -> NamedTable | None:
    """The first header that has one of each of the names."""
    for table in document.tables:
        for header in table.first(HEADER_LINES):
            places: dict[str, int] = {}
            for index, cell in enumerate(header.cells):
                if isinstance(cell, str):
                    places.setdefault(heading_of(cell), index)
            if all(any(name in places for name in names) for names in needed):
                return NamedTable(table, header, places)
    return None


def heading_of(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def opened(
    name: str,
    table: NamedTable,
    document: Document,
    options: Options,
    *,
    numbers: Collection[str],
    days: Collection[str],
) -> tuple[Reading, CellReader]:
    """A reading that has asked what the columns of numbers and of days leave open, and the reader of its cells."""
    require_columns(options.columns, [(table.table, table.header)])
    reading = Reading(name, {}, lambda reading: iter(()))
    decimal = ask_about_decimals(reading, options, lambda: table.texts(numbers))
    order = ask_about_days(reading, options, lambda: table.texts(days))
    ask_about_encoding(reading, document, options)
    reading.headings = [text_of(cell) for cell in table.header.cells]
    first = next(iter(table), None)
    sample = (document.delimiter or " ").join(text_of(cell) for cell in first.cells) if first else ""
    reading.detected = {
        "encoding": document.encoding,
        "bom": document.has_bom,
        "delimiter": document.delimiter,
        "decimal": decimal,
        "date_order": order,
        "header_row": table.header.number,
        "layout": name,
        "time_zone": options.time_zone,
        "columns": {heading: heading for heading in table.places},
        "sheets": sheet_list(document, {table.table.name: sum(1 for _ in table)}),
        "sample": {"line": first.number, "text": sample[:200]} if first else None,
    }
    return reading, CellReader(reading, decimal or POINT, order or DMY)


class RowReader:
    """Reads the rows of one named table: `items` of a subclass says what becomes of one. It may raise Refused."""

    row_type = RowType.TRANSACTION

    def __init__(self, reading: Reading, table: NamedTable, cells: CellReader, options: Options) -> None:
        self.reading, self.table, self.cells, self.options = reading, table, cells, options

    def rows(self) -> Iterator[FileRow]:
        for line in self.table:
            row = FileRow(line.number, self.table.read(line), self.row_type)
            try:
                self.fill(row, line)
            except Refused as refused:
                row.items, row.refusal = (), refused.reason
            if not (row.items or row.skip or row.refusal):
                row.skip = ZERO_ROW
            yield row

    def fill(self, row: FileRow, line: Line) -> None:
        """Set the items of the row, or why it is skipped: else its amount is zero."""
        raise NotImplementedError

    def text(self, line: Line, *names: str) -> str:
        return self.table.text(line, *names)

    def number(self, line: Line, *names: str) -> Decimal | None:
        """None for an empty cell. Raises Refused for what is no number."""
        cell = self.table.cell(line, *names)
        if is_empty(cell):
            return None
        return self.cells.number(line.number, cell, names[0])[0]

    def day(self, line: Line, *names: str) -> Any:
        return self.cells.day(line.number, self.table.cell(line, *names))
