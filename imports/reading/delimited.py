"""Text with delimiters to rows of cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter

from imports.reading.refusals import FileRefused
from imports.reading.tables import MOST_COLUMNS

DELIMITERS = (";", ",", "\t", "|")
SAMPLE_LINES = 60
LONGEST_LINE = 1024 * 1024
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def lines_of(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank. Raises FileRefused for an open quote, a huge line and too many columns."""
    reader = csv.reader(_pieces(text), delimiter=delimiter, strict=True)
    before = 0
    try:
        for cells in reader:
            number, before = before + 1, reader.line_num
            if len(cells) > MOST_COLUMNS:
                raise FileRefused("TOO_MANY_COLUMNS", number)
            if "".join(cells).strip():
                yield number, cells
    except csv.Error as error:
        raise FileRefused("BROKEN_FILE", before + 1, str(error)) from None


def _pieces(text: str) -> Iterator[str]:
    """The lines with their ends. A StringIO of the whole text would take four bytes for each character."""
    return map(itemgetter(0), _LINE.finditer(text))


def delimiter_of(text: str) -> str:
    """The delimiter that gives most of the first lines the same number of columns."""
    head = "".join(text[: 256 * 1024].splitlines(keepends=True)[:SAMPLE_LINES])
    return max(DELIMITERS, key=lambda delimiter: _score(head, delimiter))


def _score(head: str, delimiter: str) -> tuple[float, int]:
    rows_read, is_broken = _strictly(head, delimiter)
    widths = [len(row) for row in rows_read if row]
    width, rows = Counter(widths).most_common(1)[0] if widths else (1, 0)
    several = [(count, size) for size, count in Counter(widths).items() if size > 1]
    if width == 1 and several:
        rows, width = max(several)
    share = rows / len(widths) if width > 1 else 0
    return (share / 1000 if is_broken else share, width)  # what is broken is taken where nothing else fits


def _strictly(head: str, delimiter: str) -> tuple[list[list[str]], bool]:
    """The rows, and whether quotes contradict the delimiter. A quote that is open at the end of the sample does not."""
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        rows.extend(reader)
    except csv.Error:
        return rows, reader.line_num < len(head.splitlines())
    return rows, False


def refuse_huge_lines(text: str) -> None:
    """A line of more than 1 MiB is no table."""
    if len(text) <= LONGEST_LINE:
        return
    start, number = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start > LONGEST_LINE:
            raise FileRefused("BROKEN_FILE", number)
        start, number = end + 1, number + 1
