"""A table of a file: rows of cells with their lines, which can be gone through again without being kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

MOST_COLUMNS = 2_000


class Inexact(NamedTuple):
    """A number of a workbook that had more digits than it can be certain of."""

    value: Decimal


class NoResult(NamedTuple):
    """A formula that the workbook stores without its result."""

    reference: str


type Cell = str | Decimal | Inexact | NoResult | date | datetime | time | bool


class Line(NamedTuple):
    """A row of the file. `number` is the first line of it, counted from 1."""

    number: int
    cells: list[Cell]


@dataclass(slots=True)
class Table:
    """The rows of a text file or of a sheet. `name` is that of the sheet, None for a text."""

    read: Callable[[], Iterator[Line]]
    name: str | None = None

    def __iter__(self) -> Iterator[Line]:
        return self.read()

    def first(self, number: int) -> list[Line]:
        return list(islice(self.read(), number))


@dataclass(slots=True)
class Document:
    """A file that can be read as tables. The other fields are None where the container has no such thing."""

    container: str  # csv, tsv, xlsx, xls, ods
    tables: list[Table]
    encoding: str | None = None
    has_bom: bool = False
    delimiter: str | None = None
    is_encoding_certain: bool = True
    unread_sheets: list[str] = field(default_factory=list)
    name: str = ""


def sheet_list(document: Document, rows: Mapping[str | None, int]) -> list[dict[str, Any]]:
    """All sheets of a workbook, with the number of rows of those that are read; none for a text."""
    if document.encoding:
        return []
    names = [table.name for table in document.tables] + document.unread_sheets
    return [{"name": name, "read": name in rows, "rows": rows.get(name, 0)} for name in names]


def left_out(document: Document, sheets: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The names of those in a list of sheets that have something in them and are not read."""
    empty = {table.name for table in document.tables if not table.first(1)}
    return (sheet["name"] for sheet in sheets if not sheet["read"] and sheet["name"] not in empty)


def text_of(cell: Cell) -> str:
    """The cell as a person sees it, without the spaces around it."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, Inexact):
        cell = cell.value
    if isinstance(cell, NoResult):
        return f"={cell.reference}"
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, (date, time)) else str(cell)
