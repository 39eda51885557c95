"""Which format a file has: the one that fits best, by what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from imports.formats import networth, transactions
from imports.formats.rows import Options, Reading
from imports.reading.documents import read_document
from imports.reading.refusals import FileRefused
from imports.reading.tables import Document


class TableFormat(NamedTuple):
    """`fits` says how exactly a document has this format, 0 for not at all."""

    name: str
    fits: Callable[[Document, Options], int]
    read: Callable[[Document, Options], Reading]


TABLE_FORMATS = (
    TableFormat(networth.NAME, networth.fits, networth.read),
    TableFormat(transactions.NAME, transactions.fits, transactions.read),
)


class FoundFormat(NamedTuple):
    """`headings` say which shape a file has, in small letters; `others` are further formats that would fit."""

    reading: Reading
    container: str
    headings: list[str]
    others: list[str]


def read_file(
    data: bytes, options: Options, *, name: str = "", format_name: str | None = None
) -> FoundFormat:
    """Raises FileRefused, with UNKNOWN_FORMAT where no format fits."""
    document = read_document(data, name=name, encoding=options.encoding, delimiter=options.delimiter)
    fitting = [
        (score, number, table_format)
        for number, table_format in enumerate(TABLE_FORMATS)
        if format_name in (None, table_format.name) and (score := table_format.fits(document, options))
    ]
    if not fitting:
        raise FileRefused("UNKNOWN_FORMAT")
    fitting.sort(key=lambda found: (-found[0], found[1]))
    best, *others = [table_format for *_, table_format in fitting]
    reading = best.read(document, options)
    names = [heading.casefold() for heading in reading.headings]
    return FoundFormat(reading, document.container, names, [other.name for other in others])


def format_names() -> list[str]:
    return [table_format.name for table_format in TABLE_FORMATS]
