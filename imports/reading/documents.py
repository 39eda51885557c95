"""A file to a document of tables: what it is, is decided from its content and never from its name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from imports.reading.apostrophes import without_apostrophes
from imports.reading.containers.workbooks import OLE, container_of_zip, read_workbook
from imports.reading.delimited import delimiter_of, lines_of, refuse_huge_lines
from imports.reading.refusals import FileRefused
from imports.reading.tables import Document, Line, Table
from imports.reading.texts import decode_as_asked

NO_TABLES = (
    b"%PDF",
    b"SQLite format 3\0",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\x7fELF",
    b"MZ\x90",
    b"PORTFOLIO",
    b"PPPBV1",
)


def read_document(
    data: bytes, *, name: str = "", encoding: str | None = None, delimiter: str | None = None
) -> Document:
    """Raises FileRefused with the code that the API gives."""
    if not data.strip():
        raise FileRefused("EMPTY_FILE")
    if data.startswith(b"PK\x03\x04"):
        container, archive = container_of_zip(data)
        if container == "zip":
            raise FileRefused("UNKNOWN_FORMAT")
        return read_workbook(data, container, archive, name)
    if data.startswith(OLE):
        return read_workbook(data, "xls", None, name)
    if data.startswith(NO_TABLES):
        raise FileRefused("UNKNOWN_FORMAT")
    return read_text(data, name=name, encoding=encoding, delimiter=delimiter)


def read_text(data: bytes, *, name: str, encoding: str | None, delimiter: str | None) -> Document:
    decoded = decode_as_asked(data, encoding)
    if not decoded.text.strip():
        raise FileRefused("EMPTY_FILE")
    refuse_huge_lines(decoded.text)
    delimiter = delimiter or delimiter_of(decoded.text)
    has_apostrophes = "'" in decoded.text

    def lines() -> Iterator[Line]:
        rows = lines_of(decoded.text, delimiter)
        if has_apostrophes:
            rows = ((number, [without_apostrophes(cell) for cell in cells]) for number, cells in rows)
        return itertools.starmap(Line, rows)

    return Document(
        "tsv" if delimiter == "\t" else "csv",
        [Table(lines)],
        encoding=decoded.encoding,
        has_bom=decoded.has_bom,
        delimiter=delimiter,
        is_encoding_certain=decoded.is_certain,
        name=name,
    )
