"""Reads tables of prices: a CSV with the header `instrument,on,price`, from a request or from a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

COLUMNS = ("instrument", "on", "price")


class BadTable(ValueError):
    """It is no such table, or its header is another one."""


class Line(NamedTuple):
    """The cells of a line after the header. `number` counts lines of the file from 1, so that of the header is 1."""

    number: int
    cells: list[str]


def lines_of(text: Iterable[str]) -> Iterator[Line]:
    """The lines after the header; empty ones are left out. Raises BadTable, also while they are read."""
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
        if [name.strip() for name in header] != [*COLUMNS]:
            raise BadTable(f"The first line must be {','.join(COLUMNS)}.")
        for cells in reader:
            if cells:
                yield Line(reader.line_num, [cell.strip() for cell in cells])
    except csv.Error as error:
        raise BadTable(f"It is not a CSV: {error}.") from None
