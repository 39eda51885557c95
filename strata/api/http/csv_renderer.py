"""CSV for spreadsheets, row by row: every cell quoted, and no text of a user's that could be taken for a formula."""

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

from strata.api.parameters import choice
from strata.fields.names import without_invisible

# What OWASP lists, and the full-width forms that some programs read the same way.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
DELIMITERS = frozenset(",;|\t\r\n")  # where a spreadsheet that was told so splits
ROWS_AT_A_TIME = 200
BLANK = "\u2800"  # a pattern of Braille without dots
MARK = "\ufeff"  # by which Excel knows UTF-8
NOT_IN_FILES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%;\s]+')


def as_text(name: str) -> str:
    """A name as a cell: an apostrophe goes before what begins like a formula, also after every delimiter.

    Spaces, quotes and what is not seen may stand before the formula. Never for numbers.
    """
    return name if FORMULA.isdisjoint(name) else "".join(_guarded(name))


def _guarded(name: str) -> Iterator[str]:
    beginning: list[str] | None = []  # what stands before the first character that counts; None after that
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
    """The name that a cell of `as_text` stands for."""
    found, beginning = [], True
    for position, character in enumerate(cell):
        if beginning and character == "'" and _is_guard(cell, position):
            beginning = False
            continue
        found.append(character)
        beginning = character in DELIMITERS
    return "".join(found)


def _is_guard(cell: str, position: int) -> bool:
    rest = cell[position + 1 :]
    first = next((one for one in rest if one in FORMULA or not _is_passed_over(one)), "")
    return first in FORMULA


def _is_passed_over(character: str) -> bool:
    """Quotes, spaces and what is not seen; an apostrophe too, so that one of the name's own is no guard."""
    unseen = (
        not without_invisible(character) or unicodedata.category(character)[0] in "ZC" or character == BLANK
    )
    return character in "'\"" or (unseen and character not in DELIMITERS)


class TableRenderer(BaseRenderer):
    """Names the format, for the choice by `Accept`; `table_response` writes it."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        return "".join(csv_blocks(data or ()))


FORMAT = {
    "format": choice(("json", "csv"), "Instead of the header `Accept`, which it goes before."),
    "bom": choice(("0", "1"), "1: the CSV begins with a byte order mark, by which Excel knows UTF-8."),
}


class ByParameter(DefaultContentNegotiation):
    """As `?format=` says, else as `Accept` does. Another word is refused where the parameters are read."""

    def select_renderer(self, request, renderers, format_suffix=None):
        wanted = request.query_params.get("format")
        for renderer in renderers:
            if renderer.format == wanted:
                return renderer, renderer.media_type
        return super().select_renderer(request, renderers, format_suffix)


def table_response(rows: Iterable[Iterable[str]], name: str, *, mark: bool = False) -> StreamingHttpResponse:
    """Sent row by row as a file of that name, without `.csv`. Names among the cells have come through `as_text`."""
    response = StreamingHttpResponse(csv_blocks(rows, mark=mark), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = disposition(f"{file_name(name)}.csv")
    return response


def csv_blocks(rows: Iterable[Iterable[str]], *, mark: bool = False) -> Iterator[str]:
    if mark:
        yield MARK
    for some in batched(rows, ROWS_AT_A_TIME):
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(some)
        yield text.getvalue()


def file_name(text: str) -> str:
    """Safe on every system: no separators, no spaces, nothing that is not seen, not hidden, not too long."""
    return NOT_IN_FILES.sub("-", without_invisible(text)).strip("-. ")[:100]


def disposition(name: str) -> str:
    """RFC 6266: the name as it is, and for old clients in ASCII."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    header = content_disposition_header(True, plain)
    return (
        header if plain == name else f"{header}; {content_disposition_header(True, name).partition('; ')[2]}"
    )
