"""Which format a file has: the one that fits best, by what is in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, NoReturn

from imports.formats.registry import FORMATS, Format
from imports.formats.rows import Options, Reading
from imports.reading.files import File
from imports.reading.refusals import FileRefused, OptionRefused

# Options that may be why a file seems to have no format.
CAN_HIDE_A_TABLE = ("sheet", "header_row", "columns", "delimiter", "encoding")


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
    best, *others = formats_of(file, options, format_name) or refuse_unknown(file, options, format_name)
    reading = best.read(file, options)
    names = [heading.casefold() for heading in reading.headings]
    return FoundFormat(reading, file.container, names, [other.name for other in others])


def formats_of(file: File, options: Options, format_name: str | None) -> list[Format]:
    """Those that fit, the best one first."""
    fitting = [
        (-score, number)
        for number, file_format in enumerate(FORMATS)
        if format_name in (None, file_format.name) and (score := file_format.fits(file, options))
    ]
    return [FORMATS[number] for _, number in sorted(fitting)]


def refuse_unknown(file: File, options: Options, format_name: str | None) -> NoReturn:
    """Raises OptionRefused where the file would have a format without one of the options, else FileRefused."""
    without = options
    for option in CAN_HIDE_A_TABLE:
        value = getattr(options, option)
        if value is None or value == {}:
            continue
        unset: dict[str, Any] = {option: {} if option == "columns" else None}
        without = replace(without, **unset)
        whole = File(file.data, file.name, without.encoding, without.delimiter)
        if formats_of(whole, without, format_name):
            raise OptionRefused(option, value, sentence="no_table" if option == "columns" else "")
    is_known = format_name is not None and formats_of(file, options, None)
    raise FileRefused("UNKNOWN_FORMAT", advice="OTHER_FORMAT" if is_known else "")


def format_names() -> list[str]:
    return [file_format.name for file_format in FORMATS]
