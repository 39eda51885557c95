"""Lines of the journal of an archive. Those of rows that were created together differ in the id of the row alone."""

from __future__ import annotations

from typing import Any

from archives.files import refusals
from archives.rows.contents import JOURNAL
from archives.rows.ids import ID_LENGTH
from archives.rows.journal import STORED, Entries
from archives.rows.tables import parsed_line
from archives.rows.values import explained

OBJECT_ID, BEFORE = STORED.index("object_id"), STORED.index("before")
KEY_OF_ID = b'"object_id":"'

type Around = tuple[bytes, bytes]


class EntryLines:
    """Makes the rows of the lines. Of one that is like the line before it only the id is checked."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._around_id: Around | None = None  # of the line before, and its row
        self._row: tuple[Any, ...] = ()

    def row(self, line: bytes, number: int) -> tuple[Any, ...]:
        around, pk = split_at_id(line)
        if around is None or around != self._around_id:
            self._row = self._entries.row(parsed_line(line, JOURNAL, number), number)
            self._around_id = around if self._row[BEFORE] is None else None
            return self._row
        try:
            object_id = self._entries.ids.of_row(pk.decode())
        except ValueError as error:
            raise refusals.bad_row(JOURNAL, number, f"object_id: {explained(error)}") from None
        return (*self._row[:OBJECT_ID], object_id, *self._row[OBJECT_ID + 1 :])


def split_at_id(line: bytes) -> tuple[Around | None, bytes]:
    """What is before and after the id of the row, and the id; None for a line that may have several."""
    before, _key, rest = line.partition(KEY_OF_ID)
    if KEY_OF_ID in rest:
        return None, b""
    return (before, rest[ID_LENGTH:]), rest[:ID_LENGTH]
