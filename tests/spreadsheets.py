"""Reads an XLSX as a spreadsheet does, as far as Strata writes it: texts, numbers, days."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree
from zipfile import ZipFile

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DAY_ZERO = date(1899, 12, 30)


def sheets_of(content: bytes) -> list[list[list[str | Decimal | date]]]:
    """The rows of each sheet. An empty cell is an empty text; no cell may be a formula or a link."""
    with ZipFile(io.BytesIO(content)) as book:
        names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        days = day_styles(book.read("xl/styles.xml"))
        return [[*rows_of(book.read(name), days)] for name in sorted(names, key=len)]


def day_styles(styles: bytes) -> set[str]:
    root = ElementTree.fromstring(styles)
    day_ids = {
        style.get("numFmtId") for style in root.iter(f"{MAIN}numFmt") if "yyyy" in style.get("formatCode", "")
    }
    used = root.find(f"{MAIN}cellXfs")
    assert used is not None
    return {str(place) for place, style in enumerate(used) if style.get("numFmtId") in day_ids}


def rows_of(sheet: bytes, days: set[str]):
    root = ElementTree.fromstring(sheet)
    assert root.find(f".//{MAIN}f") is None and root.find(f".//{MAIN}hyperlink") is None
    width = 0
    for row in root.iter(f"{MAIN}row"):
        cells = {column_of(cell): value_of(cell, days) for cell in row}
        width = max(width, max(cells, default=-1) + 1)
        yield [cells.get(place, "") for place in range(width)]


def column_of(cell: ElementTree.Element) -> int:
    number = 0
    for letter in cell.get("r", "").rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def value_of(cell: ElementTree.Element, days: set[str]) -> str | Decimal | date:
    if cell.get("t") == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{MAIN}t"))
    assert cell.get("t") in (None, "n")
    number = Decimal(cell.findtext(f"{MAIN}v") or "")
    return DAY_ZERO + timedelta(days=int(number)) if cell.get("s") in days else number
