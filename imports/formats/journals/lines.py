"""The lines of a journal, and as much of them as it takes to know what it is."""

from __future__ import annotations

from collections.abc import Iterator

from imports.reading.files import File
from imports.reading.refusals import FileRefused

SAMPLE = 64 * 1024
LONGEST_LINE = 1024 * 1024


def sample_of(file: File) -> str:
    """ "" for a workbook, and for what is no text."""
    if file.data.startswith(b"PK") or b"\0" in file.data[:SAMPLE]:
        return ""
    try:
        return file.text.text.replace("\r\n", "\n")[:SAMPLE] if len(file.data) <= SAMPLE else _start_of(file)
    except FileRefused:
        return ""


def _start_of(file: File) -> str:
    return file.data[:SAMPLE].decode(file.encoding or "utf-8", "ignore").replace("\r\n", "\n")


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Raises FileRefused BROKEN_FILE for a line of more than 1 MiB."""
    start = number = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        number += 1
        if end - start > LONGEST_LINE:
            raise FileRefused("BROKEN_FILE", number)
        yield number, text[start:end].rstrip("\r")
        start = end + 1
