"""CSV for spreadsheets, sent row by row. Every cell is quoted, and no text of a user can be read as a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any, Self

from rest_framework.renderers import BaseRenderer

from strata.fields.names import without_invisible

# The characters that OWASP lists, and their full-width forms, which some programs read the same way.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
DELIMITERS = frozenset(",;|\t\r\n")  # a spreadsheet can be set to split cells at these
ROWS_AT_A_TIME = 200
BLANK = "\u2800"  # the Braille pattern without dots
MARK = "\ufeff"  # the byte order mark, by which Excel recognises UTF-8


class TextCell(str):
    """A cell of text with its guards against formulas. `original` is the text without them."""

    __slots__ = ("original",)
    original: str

    def __new__(cls, guarded: str, original: str) -> Self:
        cell = super().__new__(cls, guarded)
        cell.original = original
        return cell


def as_text(name: str) -> TextCell:
    """A name as a cell: text that begins like a formula, also after a delimiter, gets an apostrophe before it.

    Spaces, quotes and invisible characters before the formula are skipped. Not for numbers.
    """
    return TextCell(name if FORMULA.isdisjoint(name) else "".join(_guarded(name)), name)


def joined(separator: str, cells: Iterable[TextCell]) -> TextCell:
    cells = list(cells)
    return TextCell(separator.join(cells), separator.join(cell.original for cell in cells))


def _guarded(name: str) -> Iterator[str]:
    beginning: (
        list[str] | None
    ) = []  # skipped characters at the beginning of a cell; None after the beginning
    for character in name:
        if beginning is not None and character in FORMULA:
            yield "'"
        elif beginning is not None and _is_passed_over(character):
            beginning.append(character)
            continue
        yield from beginning or ()
        yield character
        beginning = [] if character in DELIMITERS else None
    yield from beginning or ()


def _is_passed_over(character: str) -> bool:
    """Quotes, spaces and invisible characters. Apostrophes too: so one in the name is not taken for ours."""
    unseen = (
        not without_invisible(character) or unicodedata.category(character)[0] in "ZC" or character == BLANK
    )
    return character in "'\"" or (unseen and character not in DELIMITERS)


class TableRenderer(BaseRenderer):
    """Declares the format for content negotiation by `Accept`. table_responses writes it."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str | bytes:
        return "".join(csv_blocks(data or ()))


def csv_blocks(rows: Iterable[Iterable[str]], *, mark: bool = False) -> Iterator[str]:
    if mark:
        yield MARK
    for batch in batched(rows, ROWS_AT_A_TIME):
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(batch)
        yield text.getvalue()
