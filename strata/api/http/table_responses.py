"""Answers that are tables: CSV or XLSX, chosen by `?format=` or `Accept`, of all columns or of those in `?columns=`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from strata.api.http.csv_renderer import TableRenderer, csv_blocks
from strata.api.http.xlsx_renderer import XlsxRenderer, text_of, xlsx_blocks
from strata.api.parameters import Parameter, choice
from strata.fields.names import without_invisible

NOT_IN_FILES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%;\s]+')
TABLES = (TableRenderer, XlsxRenderer)
TABLE_FORMATS = tuple(renderer.format for renderer in TABLES)


def read_columns(text: str) -> str:
    if not text.strip():
        raise exceptions.ValidationError("Send the names of columns with commas between them.")
    return text


FORMAT = {
    "format": choice(
        ("json", *TABLE_FORMATS), "Instead of the header `Accept`. It takes precedence over the header."
    ),
    "columns": Parameter(
        read_columns,
        None,
        {"type": "string", "minLength": 1},
        "Of a CSV or XLSX: only these columns, in this order, with commas between their names. The parameter may be "
        "repeated, so that a name with a comma in it can be sent alone.",
    ),
    "bom": choice(
        ("0", "1"),
        "1: the CSV begins with a byte order mark, by which Excel recognises UTF-8. It does not "
        "change an XLSX.",
    ),
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


def table_response(
    rows: Iterable[Sequence[str]],
    name: str,
    *,
    table_format: str = "csv",
    columns: Sequence[str] = (),
    mark: bool = False,
) -> StreamingHttpResponse:
    """Sends rows as a file, a CSV one by one. `name` is without its ending. Pass names through `as_text` first.

    The first row is the header; it is read before the answer begins. Raises ValidationError for an unknown column.
    """
    rows = selected(iter(rows), columns) if columns else rows
    if table_format == XlsxRenderer.format:
        response = StreamingHttpResponse(xlsx_blocks(rows), content_type=XlsxRenderer.media_type)
    else:
        response = StreamingHttpResponse(csv_blocks(rows, mark=mark), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = disposition(f"{file_name(name)}.{table_format}")
    return response


def selected(rows: Iterator[Sequence[str]], columns: Sequence[str]) -> Iterable[Sequence[str]]:
    header = next(rows)
    places = places_of([text_of(name) for name in header], columns)
    if len(places) == 1:
        (place,) = places
        return ([row[place]] for row in chain([header], rows))
    return map(itemgetter(*places), chain([header], rows))


def places_of(header: Sequence[str], columns: Iterable[str]) -> list[int]:
    """Where the columns are. Each text is the name of one, or several names with commas between them."""
    names = []
    for text in columns:
        names += [text] if text in header else [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in header]
    if unknown:
        message = f"There is no column {unknown[0][:100]!r}. There are: {', '.join(header)[:2000]}."
        raise exceptions.ValidationError({"columns": message})
    if len(set(names)) < len(names):
        raise exceptions.ValidationError({"columns": "Send each column once."})
    return [header.index(name) for name in names]


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
