"""Which format a file has: the one that fits best, by what is in it."""

from __future__ import annotations

from typing import NamedTuple

from imports.formats.registry import FORMATS
from imports.formats.rows import Options, Reading
from imports.reading.files import File
from imports.reading.refusals import FileRefused


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
    if not data.strip():
        raise FileRefused("EMPTY_FILE")
    file = File(data, name, options.encoding, options.delimiter)
    fitting = [
        (score, number, file_format)
        for number, file_format in enumerate(FORMATS)
        if format_name in (None, file_format.name) and (score := file_format.fits(file, options))
    ]
    if not fitting:
        raise FileRefused("UNKNOWN_FORMAT")
    fitting.sort(key=lambda fit: (-fit[0], fit[1]))
    best, *others = [file_format for *_, file_format in fitting]
    reading = best.read(file, options)
    names = [heading.casefold() for heading in reading.headings]
    return FoundFormat(reading, file.container, names, [other.name for other in others])


def format_names() -> list[str]:
    return [file_format.name for file_format in FORMATS]
