"""XLSX, XLS and ODS to tables. Formulas are never evaluated: a cell has the result that the workbook stores."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from html import unescape
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from imports.reading.containers.zips import (
    checked_zip,
    chunks,
    formulas_without_result,
    refuse_huge_ods,
    refuse_huge_sheet,
)
from imports.reading.numbers import number_of_workbook
from imports.reading.refusals import FileRefused
from imports.reading.tables import MOST_COLUMNS, Cell, Document, Inexact, Line, NoResult, Table
from imports.reading.texts import refuse_unstorable

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_SHEET = re.compile(r"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w:]+)\s*=\s*"([^"]*)"')


def container_of_zip(data: bytes) -> tuple[str, zipfile.ZipFile]:
    """ "xlsx" or "ods", or "zip" for any other archive."""
    archive = checked_zip(data)
    names = set(archive.namelist())
    if "xl/workbook.xml" in names:
        return "xlsx", archive
    if "mimetype" in names and member(archive, "mimetype").decode("ascii", "replace").strip() == ODS_TYPE:
        return "ods", archive
    return "zip", archive


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    return b"".join(chunks(archive, name))


def read_workbook(data: bytes, container: str, archive: zipfile.ZipFile | None, name: str) -> Document:
    """Every visible sheet as a table. Raises FileRefused."""
    empty_formulas: dict[str, set[str]] = {}
    if container == "xlsx" and archive:
        for sheet_name, path in sheets_of(archive).items():
            xml = member(archive, path)
            refuse_huge_sheet(xml)
            empty_formulas[sheet_name] = formulas_without_result(xml)
    elif container == "ods" and archive:
        content = member(archive, "content.xml")
        if b"manifest:encryption-data" in member(archive, "META-INF/manifest.xml"):
            raise FileRefused("ENCRYPTED_FILE")
        refuse_huge_ods(content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError:
        raise FileRefused("ENCRYPTED_FILE") from None
    except (CalamineError, OSError, ValueError):
        raise FileRefused("BROKEN_FILE" if container != "xls" else "UNKNOWN_FORMAT") from None
    document = Document(container, [], name=name)
    for sheet in book.sheets_metadata:
        refuse_unstorable(sheet.name)
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            document.tables.append(_table(book, sheet.name, empty_formulas.get(sheet.name, set())))
        else:
            document.unread_sheets.append(sheet.name)
    return document


def _table(book: CalamineWorkbook, name: str, empty_formulas: set[str]) -> Table:
    try:
        sheet = book.get_sheet_by_name(name)
    except (CalamineError, OSError, ValueError):
        raise FileRefused("BROKEN_FILE") from None
    if sheet.total_width > MOST_COLUMNS:
        raise FileRefused("TOO_MANY_COLUMNS")
    missing: dict[int, list[tuple[int, str]]] = {}
    for reference in empty_formulas:
        letters, row = re.fullmatch(r"([A-Z]+)([0-9]+)", reference).groups()  # type: ignore[union-attr]
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        missing.setdefault(int(row), []).append((column - 1, reference))

    def lines() -> Iterator[Line]:
        start = sheet.start
        if start is None:
            return
        for number, row in enumerate(sheet.iter_rows(), 1):
            cells = [_cell(value) for value in row]
            for column, reference in missing.get(number, ()):
                cells += [""] * (column + 1 - len(cells))
                if cells[column] == "":
                    cells[column] = NoResult(reference)
            if any(cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in cells):
                yield Line(number, cells)

    return Table(lines, name)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        refuse_unstorable(value)
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        number, had_more = number_of_workbook(float(value))
        return Inexact(number) if had_more else number
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date()
    return value  # type: ignore[no-any-return]  # a day or a time


def sheets_of(archive: zipfile.ZipFile) -> dict[str, str]:
    """The members that hold the sheets, by the names of these."""
    names = set(archive.namelist())
    book = member(archive, "xl/workbook.xml").decode("utf-8", "replace")
    relations_name = "xl/_rels/workbook.xml.rels"
    relations = member(archive, relations_name).decode("utf-8", "replace") if relations_name in names else ""
    targets = {}
    for match in _RELATION.finditer(relations):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        targets[attributes.get("Id", "")] = attributes.get("Target", "")
    sheets = {}
    for match in _SHEET.finditer(book):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        target = targets.get(attributes.get("r:id", ""), "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if path in names:
            sheets[unescape(attributes.get("name", ""))] = path
    return sheets
