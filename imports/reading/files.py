"""A file before anything is known about it: what kind it is, and its content in the form that a format asks for."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NoReturn

from imports.reading.containers.databases import Tables, read_database
from imports.reading.containers.workbooks import container_of_zip
from imports.reading.documents import NO_TABLES, read_document
from imports.reading.refusals import FileRefused
from imports.reading.tables import Document
from imports.reading.texts import BOMS, Text, decode_as_asked, refuse_unstorable

TABLES, JSON, MARKUP, SQLITE, ARCHIVE, OTHER = "tables", "json", "markup", "sqlite", "zip", "other"
STATEMENT = "statement"
CONTAINERS = {OTHER: "", JSON: "json", MARKUP: "xml", SQLITE: "sqlite", ARCHIVE: "zip", STATEMENT: "text"}
OFX_START = re.compile(
    rb"(?:^|>|NEWFILEUID:[^\s<]*)\s*<OFX>", re.IGNORECASE | re.MULTILINE
)  # after any header
SWIFT_START = re.compile(rb"(?:^|\{4:):20:[^\n]*\n(?:[^\n]*\n){0,4}?:(?:25|60)[A-Z]?:", re.MULTILINE)
SQLITE_BYTES = b"SQLite format 3\0"
ZIP_BYTES = b"PK\x03\x04"


@dataclass
class File:
    """Its properties raise FileRefused where the content is not what its beginning says."""

    data: bytes
    name: str = ""
    encoding: str | None = None
    delimiter: str | None = None

    @cached_property
    def kind(self) -> str:
        """What the content is: tables (text or a workbook), JSON, markup (XML, or SGML), SQLite, an archive, or a
        statement of SWIFT (MT940)."""
        if self.data.startswith(SQLITE_BYTES):
            return SQLITE
        if self.data.startswith(NO_TABLES):
            return OTHER
        if self.data.startswith(ZIP_BYTES):
            return ARCHIVE if container_of_zip(self.data)[0] == "zip" else TABLES
        start = self.data[:4096]
        for bom, encoding in BOMS:
            if start.startswith(bom):
                start = start[len(bom) :].decode(encoding, "ignore").encode("utf-8", "ignore")
        if OFX_START.search(start):
            return MARKUP
        if SWIFT_START.search(start):
            return STATEMENT
        first = start.lstrip()[:1]
        return JSON if first in (b"{", b"[") else MARKUP if first == b"<" else TABLES

    @cached_property
    def document(self) -> Document:
        """The tables of the file."""
        return read_document(self.data, name=self.name, encoding=self.encoding, delimiter=self.delimiter)

    @cached_property
    def text(self) -> Text:
        return decode_as_asked(self.data, self.encoding)

    @cached_property
    def json(self) -> Any:
        """Numbers with a fraction are exact."""
        text = self.text.text
        try:
            content = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
        except json.JSONDecodeError as error:
            raise FileRefused("BROKEN_FILE", error.lineno) from None
        except (RecursionError, ValueError, ArithmeticError):
            raise FileRefused("BROKEN_FILE") from None
        if "\\u" in text:
            refuse_unstorable(content)
        return content

    @cached_property
    def database(self) -> Tables:
        """The tables of an SQLite file."""
        return read_database(self.data)

    @cached_property
    def archive(self) -> zipfile.ZipFile:
        """Checked: none of its members is larger than it may be."""
        return container_of_zip(self.data)[1]

    @property
    def container(self) -> str:
        return self.document.container if self.kind == TABLES else CONTAINERS[self.kind]


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
