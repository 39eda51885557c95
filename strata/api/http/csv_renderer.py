"""CSV for spreadsheets, sent row by row. Every cell is quoted, and no text of a user can be read as a formula."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from strata.api.parameters import choice
from strata.fields.names import without_invisible

# The characters that OWASP lists, and their full-width forms, which some programs read the same way.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
DELIMITERS = frozenset(",;|\t\r\n")  # a spreadsheet can be set to split cells at these
ROWS_AT_A_TIME = 200
BLANK = "\u2800"  # the Braille pattern without dots
MARK = "\ufeff"  # the byte order mark, by which Excel recognises UTF-8
NOT_IN_FILES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%;\s]+')


def as_text(name: str) -> str:
    """A name as a cell: text that begins like a formula, also after a delimiter, gets an apostrophe before it.

    Spaces, quotes and invisible characters before the formula are skipped. Not for numbers.
    """
    return name if FORMULA.isdisjoint(name) else "".join(_guarded(name))


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


def as_written(cell: str) -> str:
    """The name from which `as_text` made this cell."""
    characters, beginning = [], True
    for position, character in enumerate(cell):
        if beginning and character == "'" and _is_guard(cell, position):
            beginning = False
            continue
        characters.append(character)
        beginning = character in DELIMITERS
    return "".join(characters)


def _is_guard(cell: str, position: int) -> bool:
    rest = cell[position + 1 :]
    for character in rest:
        if character in FORMULA:
            return True
        if not _is_passed_over(character):
            return False
    return False


def _is_passed_over(character: str) -> bool:
    """Quotes, spaces and invisible characters. Apostrophes too: so one in the name is not taken for ours."""
    unseen = (
        not without_invisible(character) or unicodedata.category(character)[0] in "ZC" or character == BLANK
    )
    return character in "'\"" or (unseen and character not in DELIMITERS)


class TableRenderer(BaseRenderer):
    """Declares the format for content negotiation by `Accept`. `table_response` writes it."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        return "".join(csv_blocks(data or ()))


FORMAT = {
    "format": choice(("json", "csv"), "Instead of the header `Accept`. It takes precedence over the header."),
    "bom": choice(("0", "1"), "1: the CSV begins with a byte order mark, by which Excel recognises UTF-8."),
}


class ByParameter(DefaultContentNegotiation):
    """Chooses by `?format=`, else by `Accept`. Other values of `format` are refused where parameters are read."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        wanted = request.query_params.get("format")
        for renderer in renderers:
            if renderer.format == wanted:
                return renderer, renderer.media_type
        return super().select_renderer(request, renderers, format_suffix)


def table_response(rows: Iterable[Iterable[str]], name: str, *, mark: bool = False) -> StreamingHttpResponse:
    """Sends rows one by one as a file. `name` is without `.csv`. Pass names through `as_text` first."""
    response = StreamingHttpResponse(csv_blocks(rows, mark=mark), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = disposition(f"{file_name(name)}.csv")
    return response


def csv_blocks(rows: Iterable[Iterable[str]], *, mark: bool = False) -> Iterator[str]:
    if mark:
        yield MARK
    for batch in batched(rows, ROWS_AT_A_TIME):
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(batch)
        yield text.getvalue()


def file_name(text: str) -> str:
    """A file name for every system: no separators, spaces or invisible characters, not hidden, not too long."""
    return NOT_IN_FILES.sub("-", without_invisible(text)).strip("-. ")[:100]


def disposition(name: str) -> str:
    """The header of RFC 6266: the name as it is, and in ASCII for old clients."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    header = content_disposition_header(True, plain)
    return (
        header if plain == name else f"{header}; {content_disposition_header(True, name).partition('; ')[2]}"
    )
