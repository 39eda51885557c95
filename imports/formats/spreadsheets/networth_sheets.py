"""The tables of net worth in a document, and what is known about them as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from imports.formats.rows import (
    Options,
)
from imports.formats.spreadsheets.networth_layout import (
    WIDE,
    Layout,
    cell_at,
    find_layout,
)
from imports.reading.currencies import currency_in_heading, currency_of_mark
from imports.reading.tables import Document, Table, sheet_list, text_of


@dataclass(slots=True)
class Sheet:
    """A table of the document that is one of net worth."""

    table: Table
    layout: Layout

    @property
    def name(self) -> str | None:
        return self.table.name

    @property
    def default_currency(self) -> str:
        """What the headings say about the currency of the whole table."""
        layout = self.layout
        indexes = [layout.columns.get("value"), layout.columns.get("asset"), 0]
        return next((code for index in indexes if (code := currency_in_heading(layout.heading(index)))), "")


def sheets_of(document: Document, options: Options) -> list[Sheet]:
    tables = [table for table in document.tables if options.sheet in (None, table.name)]
    layouts = [
        (table, find_layout(table, header_row=options.header_row, chosen=options.columns)) for table in tables
    ]
    return [Sheet(table, layout) for table, layout in layouts if layout]


def headings_of(sheets: list[Sheet]) -> list[str]:
    """The headings that are no days: a new month is no other shape of file."""
    return [
        text_of(cell)
        for sheet in sheets
        for index, cell in enumerate(sheet.layout.header.cells)
        if all(day.place != index for day in sheet.layout.days)
    ]


def currency_of_most(sheets: list[Sheet]) -> str:
    """The currency that most rows state, "" where none does."""
    stated: Counter[str] = Counter()
    for sheet in sheets:
        index = sheet.layout.columns.get("currency")
        if index is not None:
            stated.update(
                currency_of_mark(text_of(cell_at(line, index))) for line in sheet.layout.rows(sheet.table)
            )
    stated.pop("", None)
    return stated.most_common(1)[0][0] if stated else ""


def currency_above(sheets: list[Sheet]) -> str | None:
    """The one currency that the lines above the headers name, such as "Our money (EUR)"; None for none or several."""
    named: set[str] = set()
    for sheet in sheets:
        for line in sheet.table:
            if line.number >= sheet.layout.header.number:
                break
            named.update(currency_in_heading(text_of(cell)) for cell in line.cells)
    named.discard("")
    return named.pop() if len(named) == 1 else None


def number_texts(sheets: list[Sheet]) -> Iterator[tuple[int, str]]:
    for sheet in sheets:
        layout = sheet.layout
        indexes = [day.place for day in layout.days] or [*layout.accounts]
        indexes = indexes or [
            layout.columns[name] for name in ("value", "owned", "owed") if name in layout.columns
        ]
        for line in layout.rows(sheet.table):
            for index in indexes:
                cell = cell_at(line, index)
                if isinstance(cell, str) and cell:
                    yield line.number, cell


def day_texts(sheets: list[Sheet]) -> Iterator[tuple[int, str]]:
    for sheet in sheets:
        layout = sheet.layout
        if layout.kind == WIDE:
            cells = [(layout.header.number, day.heading) for day in layout.days]
        else:
            index = layout.columns.get("date")
            if index is None:
                continue
            for line in layout.rows(sheet.table):
                cell = cell_at(line, index)
                if isinstance(cell, str) and cell:
                    yield line.number, cell
            continue
        yield from ((number, cell) for number, cell in cells if isinstance(cell, str))


def detected(
    document: Document, sheets: list[Sheet], decimal: str | None, order: str | None
) -> dict[str, Any]:
    layout = sheets[0].layout if sheets else None
    names = ("asset", "date", "value", "currency", "type", "note", "ticker", "owned", "owed")
    return {
        "encoding": document.encoding,
        "bom": document.has_bom,
        "delimiter": document.delimiter,
        "decimal": decimal,
        "date_order": order,
        "header_row": layout.header.number if layout else None,
        "layout": layout.kind if layout else None,
        "time_zone": None,
        "columns": {
            name: layout.heading(layout.columns.get(name)) or None
            for name in names
            if layout and (name in layout.columns or name in ("asset", "date", "value"))
        },
        "sheets": sheet_list(document, {sheet.name: rows_in(sheet) for sheet in sheets}),
        "sample": sample_of(document, sheets),
    }


def rows_in(sheet: Sheet) -> int:
    return sum(1 for _ in sheet.layout.rows(sheet.table))


def sample_of(document: Document, sheets: list[Sheet]) -> dict[str, Any] | None:
    """A line that shows whether the encoding is right: the first with more than ASCII."""
    if not sheets:
        return None
    joined = (document.delimiter or " ").join
    lines = [
        (line.number, joined(text_of(cell) for cell in line.cells))
        for line in islice(sheets[0].layout.rows(sheets[0].table), 200)
    ]
    chosen = next((line for line in lines if not line[1].isascii()), lines[0] if lines else None)
    return {"line": chosen[0], "text": chosen[1][:200]} if chosen else None
