"""Files that are packed: checked before anything reads them, so that a small file cannot become a huge one."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

from imports.reading.refusals import FileRefused
from imports.reading.tables import MOST_COLUMNS

MOST_MEMBERS = 10_000
MOST_BYTES = 1024**3
SMALL_MEMBER = 10 * 1024**2
MOST_TIMES = 100
MOST_CELLS = 20_000_000
CHUNK = 1024 * 1024


def checked_zip(data: bytes) -> zipfile.ZipFile:
    """The archive, whose members are as large as they say, and not too large. Raises FileRefused."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise FileRefused("BROKEN_FILE") from None
    members = archive.infolist()
    is_large = len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES
    if is_large or any(_is_bomb(member) for member in members):
        raise FileRefused("EXPANDS_TOO_MUCH")
    if any(member.flag_bits & 1 for member in members):
        raise FileRefused("ENCRYPTED_FILE")
    for member in members:
        for chunk in chunks(archive, member.filename):
            if b"<!ENTITY" in chunk or b"<!DOCTYPE" in chunk:
                raise FileRefused("ENTITIES_REFUSED")
    return archive


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    return member.file_size > SMALL_MEMBER and member.file_size > MOST_TIMES * max(member.compress_size, 1)


def chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    try:
        with archive.open(name) as member:
            while chunk := member.read(CHUNK):
                yield chunk
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise FileRefused("BROKEN_FILE") from error
    except Exception as error:  # zlib.error is of another module for each compression
        if type(error).__name__ not in ("error", "LZMAError"):
            raise
        raise FileRefused("BROKEN_FILE") from error


_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_FORMULA = re.compile(
    rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3}[0-9]{1,7})"[^>]*(?<!/)>((?:(?!</(?:\w+:)?c>).)*)</(?:\w+:)?c>',
    re.DOTALL,
)
_ODS_ROW = re.compile(rb"<table:table-row\b([^>]*?)(?:/>|>(.*?)</table:table-row>)", re.DOTALL)
_ODS_CELL = re.compile(rb"<table:(?:covered-)?table-cell\b([^>]*)>")
_REPEATED_ROWS = re.compile(rb'number-rows-repeated="([0-9]+)"')
_REPEATED_CELLS = re.compile(rb'number-columns-repeated="([0-9]+)"')


def refuse_huge_sheet(xml: bytes) -> None:
    """A sheet of XLSX whose cells are so far apart that the rectangle around them is huge."""
    last_column = last_row = 0
    for match in _CELL.finditer(xml):
        last_column = max(last_column, column_number(match[1]))
        last_row = max(last_row, int(match[2]))
    if last_column > MOST_COLUMNS:
        raise FileRefused("TOO_MANY_COLUMNS")
    if last_column * last_row > MOST_CELLS:
        raise FileRefused("EXPANDS_TOO_MUCH")


def column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def formulas_without_result(xml: bytes) -> set[str]:
    """The cells of a sheet of XLSX that have a formula and no stored result, such as "B4"."""
    if b"<f" not in xml and b":f>" not in xml:
        return set()
    references = set()
    for cell in _FORMULA.finditer(xml):
        body = cell[2]
        if re.search(rb"<(?:\w+:)?f\b", body) and not re.search(rb"<(?:\w+:)?v>[^<]", body):
            references.add(cell[1].decode())
    return references


def refuse_huge_ods(xml: bytes) -> None:
    """Rows and cells of ODS that are repeated so often that they fill memory. Empty ones at the end do not count."""
    for sheet in xml.split(b"<table:table ")[1:]:
        rows, width = _used_size(sheet)
        if width > MOST_COLUMNS:
            raise FileRefused("TOO_MANY_COLUMNS")
        if rows * width > MOST_CELLS:
            raise FileRefused("EXPANDS_TOO_MUCH")


def _used_size(sheet: bytes) -> tuple[int, int]:
    """The number of the last row and of the last column of a sheet of ODS that have a value."""
    rows = widest = pending = 0
    for row in _ODS_ROW.finditer(sheet):
        pending += int((_REPEATED_ROWS.search(row[1]) or [b"", b"1"])[1])
        width = last = 0
        for cell in _ODS_CELL.finditer(row[2] or b""):
            width += int((_REPEATED_CELLS.search(cell[1]) or [b"", b"1"])[1])
            if b"office:value" in cell[1]:
                last = width
        if last:
            rows, pending, widest = rows + pending, 0, max(widest, last)
    return rows, widest
