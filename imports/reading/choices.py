"""What a person chose of a table: a row, a sheet or a column that the file does not have is refused by the option."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from imports.reading.refusals import OptionRefused
from imports.reading.tables import Document, Line, Table, text_of
from imports.reading.words import plain

SAMPLE_LINES = 25


def require_sheet_and_row(document: Document, sheet: str | None, header_row: int | None) -> None:
    """Raises OptionRefused."""
    tables = [table for table in document.tables if sheet in (None, table.name)]
    if not tables:
        raise OptionRefused("sheet", sheet or "")
    if header_row is not None and not any(has_row(table, header_row) for table in tables):
        raise OptionRefused("header_row", header_row)


def has_row(table: Table, number: int) -> bool:
    return next((line for line in table if line.number >= number), Line(0, [])).number == number


def require_columns(columns: Mapping[str, str | int], headers: Iterable[tuple[Table, Line]]) -> None:
    """Each column is in one of the tables. A number may be that of a column without a heading. Raises OptionRefused."""
    if not columns:
        return
    headings: set[str] = set()
    width = 0
    for table, header in headers:
        headings.update(plain(text_of(cell)) for cell in header.cells)
        below = islice((line for line in table if line.number > header.number), SAMPLE_LINES)
        width = max(width, len(header.cells), *(len(line.cells) for line in below))
    for column in columns.values():
        if column > width if isinstance(column, int) else plain(column) not in headings - {""}:
            raise OptionRefused("columns", column)
