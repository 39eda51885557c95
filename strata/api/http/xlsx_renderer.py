"""XLSX for spreadsheets: the rows of the CSV, with cells of text, numbers and days. No cell is a formula or a link.

The workbook is written row by row into a temporary file, so that memory does not grow with the rows. XlsxWriter is
loaded with the first workbook.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

from strata.api.http.csv_renderer import TableRenderer, TextCell

MOST_ROWS = 1_048_576  # of a sheet
MOST_DIGITS = 15  # a spreadsheet keeps no more of a number
MOST_CHARACTERS = 32_767  # of a cell, in units of UTF-16
FIRST_DAY = date(1900, 1, 1)  # of a spreadsheet
BLOCK = 64 * 1024
NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class XlsxRenderer(TableRenderer):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"
    charset: str | None = None  # type: ignore[assignment]  # it is no text

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """An answer without rows, such as 304, has no content."""
        return b"".join(xlsx_blocks(data)) if data else b""


def xlsx_blocks(rows: Iterable[Iterable[str]], *, most_rows: int = MOST_ROWS) -> Iterator[bytes]:
    """The workbook of a table whose first row is the header. More rows than a sheet takes go on in another sheet."""
    with TemporaryFile() as file:
        _write(rows, file, most_rows)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def value_of(cell: str) -> str | Decimal | date:
    """What a cell becomes: a TextCell is text, and so is every other cell that is no day and no short number."""
    if isinstance(cell, TextCell):
        return cell.original
    if match := NUMBER.fullmatch(cell):
        digits = f"{match[1]}{match[2] or ''}".lstrip("0")
        return Decimal(cell) if len(digits) <= MOST_DIGITS else cell
    if DAY.fullmatch(cell) and (on := date.fromisoformat(cell)) >= FIRST_DAY:
        return on
    return cell


def _write(rows: Iterable[Iterable[str]], file: IO[bytes], most_rows: int) -> None:
    # 90 ms of every start, for what few processes ever write
    from xlsxwriter import Workbook

    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    write_row = _row_writer(book)
    rows = iter(rows)
    header = [text_of(cell) for cell in next(rows, [])]
    sheet, number = None, most_rows
    for row in rows:
        if number == most_rows:
            sheet, number = _sheet(book, header), 1
        write_row(sheet, number, row)
        number += 1
    if sheet is None:
        _sheet(book, header)
    book.close()


def _sheet(book: Any, header: Iterable[str]) -> Any:
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    for column, name in enumerate(header):
        sheet.write_string(0, column, shortened(name), bold)
    sheet.freeze_panes(1, 0)
    return sheet


def text_of(cell: str) -> str:
    return cell.original if isinstance(cell, TextCell) else cell


def shortened(text: str) -> str:
    """As much of a text as a cell takes: a longer one would be left out. The CSV has all of it."""
    if len(text) <= MOST_CHARACTERS // 2:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= MOST_CHARACTERS * 2:
        return text
    return units[: (MOST_CHARACTERS - 1) * 2].decode("utf-16-le", "ignore") + "…"


def _row_writer(book: Any) -> Callable[[Any, int, Iterable[str]], None]:
    day_format = book.add_format({"num_format": "yyyy-mm-dd"})
    formats: dict[int, Any] = {}

    def format_of(number: Decimal) -> Any:
        """With as many places as the number is written with."""
        places = -int(number.as_tuple().exponent)
        if places not in formats:
            formats[places] = book.add_format({"num_format": f"0.{'0' * places}" if places else "0"})
        return formats[places]

    def write_row(sheet: Any, number: int, row: Iterable[str]) -> None:
        for column, cell in enumerate(row):
            value = value_of(cell)
            if isinstance(value, Decimal):
                sheet.write_number(number, column, value, format_of(value))
            elif isinstance(value, date):
                sheet.write_datetime(number, column, value, day_format)
            elif value:
                sheet.write_string(number, column, shortened(value))

    return write_row
