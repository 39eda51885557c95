"""Lines of the journal of an archive. Those of rows that were created together differ in the id of the row alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archives.files import refusals
from archives.rows.contents import JOURNAL
from archives.rows.ids import ID_LENGTH
from archives.rows.journal import STORED, Entries
from archives.rows.tables import parsed_line
from archives.rows.values import explained

OBJECT_ID, BEFORE = STORED.index("object_id"), STORED.index("before")
KEY_OF_ID = b'"object_id":"'

MOST_IN_RUN = 10_000

type Around = tuple[bytes, bytes]
type Run = tuple[tuple[Any, ...], list[str]]


class EntryLines:
    """Makes runs of the lines. Of one that is like the line before it only the id is checked."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def runs(self, lines: Iterable[bytes]) -> Iterator[Run]:
        """Each run is the row of its first line, and the ids of the rows of all its lines."""
        run: Run | None = None
        around_first: Around | None = None  # the id of the first line, where others may be like it
        for number, line in enumerate(lines, start=1):
            around, pk = split_at_id(line)
            if run is not None and around == around_first is not None and len(run[1]) < MOST_IN_RUN:
                run[1].append(self._id(pk, number))
                continue
            if run is not None:
                yield run
            row = self._entries.row(parsed_line(line, JOURNAL, number), number)
            run, around_first = (row, [row[OBJECT_ID]]), around if row[BEFORE] is None else None
        if run is not None:
            yield run

    def _id(self, pk: bytes, number: int) -> str:
        try:
            return self._entries.ids.of_row(pk.decode())
        except ValueError as error:
            raise refusals.bad_row(JOURNAL, number, f"object_id: {explained(error)}") from None


def split_at_id(line: bytes) -> tuple[Around | None, bytes]:
    """What is before and after the id of the row, and the id; None for a line that may have several."""
    before, _key, rest = line.partition(KEY_OF_ID)
    if KEY_OF_ID in rest:
        return None, b""
    return (before, rest[ID_LENGTH:]), rest[:ID_LENGTH]
