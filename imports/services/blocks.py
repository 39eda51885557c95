"""The rows of a preview, packed into blocks of a thousand: small on disk, and read a page at a time."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import batched
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import Any
from uuid import UUID
from weakref import finalize

from imports.models import ImportBlock

ROWS = 1_000
LEVEL = 1
BLOCKS_AT_A_TIME = 20
MOST_IN_MEMORY = 4 * 1024 * 1024

# By one letter each, since there may be a million: n number, l line, c column, s sheet, o outcome, t row type,
# r reason, f as read from the file, b what it becomes, each with what is there before, h the quantities that it says
# are held, with their accounts and days, k the ranks of its balances, with their accounts and days, x accounts and
# references of the bookings that it cancels.
type BlockRow = dict[str, Any]


class BlockWriter:
    """Packs rows in their order, into a file without a name: a million take some ten MB. The last with `close`."""

    def __init__(self) -> None:
        self._rows, self._next = list[BlockRow](), 1
        self._file = SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 - closed with this object
        finalize(self, self._file.close)
        self._blocks: list[tuple[int, dict[str, int], int]] = []  # first number, counts, where it ends

    def add(self, row: BlockRow) -> None:
        row["n"] = self._next + len(self._rows)
        self._rows.append(row)
        if len(self._rows) == ROWS:
            self.close()

    def close(self) -> None:
        if self._rows:
            self._file.write(packed(self._rows))
            self._blocks.append((self._next, counts_of(self._rows), self._file.tell()))
        self._next += len(self._rows)
        self._rows = []

    def rows(self, most: int, outcomes: list[str], row_types: list[str]) -> list[BlockRow]:
        """As `rows_after`, before they are stored."""
        blocks = [(counts, partial(self._data, number)) for number, (_, counts, _) in enumerate(self._blocks)]
        return _wanted_rows(blocks, 0, most, outcomes, row_types)

    def blocks(self) -> Iterator[tuple[int, list[BlockRow]]]:
        """Each block: the number of its first row, and its rows."""
        for number, (first, *_) in enumerate(self._blocks):
            yield first, unpacked(self._data(number))

    def store(self, import_id: UUID) -> None:
        """Write the blocks to the database."""
        for batch in batched(enumerate(self._blocks), BLOCKS_AT_A_TIME):
            ImportBlock.objects.bulk_create(
                ImportBlock(file_import_id=import_id, first=first, counts=counts, rows=self._data(number))
                for number, (first, counts, _) in batch
            )

    def _data(self, number: int) -> bytes:
        start = self._blocks[number - 1][2] if number else 0
        self._file.seek(start)
        return self._file.read(self._blocks[number][2] - start)


class WrittenBlocks:
    """Blocks with rows that were written before the commit, in a file without a name, by the numbers of their first
    rows. Of those in `whole` nothing is left to be written.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 - closed with this object
        finalize(self, self._file.close)
        self._places: dict[int, tuple[int, int]] = {}  # where each begins, and its size
        self.whole: set[int] = set()

    def add(self, first: int, rows: list[BlockRow], *, is_whole: bool) -> None:
        data = packed(rows)
        self._places[first] = self._file.seek(0, SEEK_END), len(data)
        self._file.write(data)
        if is_whole:
            self.whole.add(first)

    def data(self, first: int) -> bytes:
        start, size = self._places[first]
        self._file.seek(start)
        return self._file.read(size)

    def not_whole(self) -> Iterator[tuple[int, list[BlockRow]]]:
        """Those of which something is left, by the numbers of their first rows. They may be added again meanwhile."""
        for first in sorted(self._places.keys() - self.whole):
            yield first, unpacked(self.data(first))

    def replace_whole(self, import_id: UUID) -> None:
        """Store those of which nothing is left."""
        for first in sorted(self.whole):
            stored = ImportBlock.objects.filter(file_import_id=import_id, first=first)
            stored.update(rows=self.data(first))


def kind_of(outcome: str, row_type: str | None) -> str:
    return f"{outcome}:{row_type or ''}"


def counts_of(rows: list[BlockRow]) -> dict[str, int]:
    return dict(Counter(kind for row in rows for kind in kinds_of(row)))


def kinds_of(row: BlockRow) -> set[str]:
    """A row has the type of each row that it becomes; one that becomes nothing has the type that it would have had."""
    return {kind_of(row["o"], item["row_type"]) for item in row["b"]} or {kind_of(row["o"], row["t"])}


def packed(rows: list[BlockRow]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), LEVEL)


def unpacked(data: Any) -> list[BlockRow]:
    rows: list[BlockRow] = json.loads(zlib.decompress(bytes(data)))
    return rows


def blocks_of(
    import_id: UUID, written: WrittenBlocks | None = None
) -> Iterator[tuple[ImportBlock, list[BlockRow]]]:
    """Each block with its rows, in their order; one is in memory at a time. Of those in `written` the rows are as they
    are there, and whole ones are left out.
    """
    stored = ImportBlock.objects.filter(file_import_id=import_id).order_by("first")
    for pk, first in list(stored.values_list("pk", "first")):
        if written is None or first not in written.whole:
            block = ImportBlock.objects.get(pk=pk)
            yield block, unpacked(written.data(first) if written else block.rows)


def numbered_blocks(import_id: UUID) -> Iterator[tuple[int, list[BlockRow]]]:
    """As `BlockWriter.blocks`, of those that are stored."""
    for block, rows in blocks_of(import_id):
        yield block.first, rows


def replace(block: ImportBlock, rows: list[BlockRow]) -> None:
    block.rows = packed(rows)
    block.save(update_fields=["rows"])


def rows_after(
    import_id: UUID, number: int, most: int, outcomes: list[str], row_types: list[str]
) -> list[BlockRow]:
    """Up to `most` rows after this number, with one of the outcomes and of the types; empty lists ask for all."""
    blocks = ImportBlock.objects.filter(file_import_id=import_id, first__gt=number - ROWS).order_by("first")
    stored = [(counts, partial(_stored_data, pk)) for pk, counts in blocks.values_list("pk", "counts")]
    return _wanted_rows(stored, number, most, outcomes, row_types)


def _stored_data(pk: int) -> Any:
    return ImportBlock.objects.values_list("rows", flat=True).get(pk=pk)


def _wanted_rows(
    blocks: Iterable[tuple[dict[str, int], Callable[[], Any]]],
    number: int,
    most: int,
    outcomes: list[str],
    row_types: list[str],
) -> list[BlockRow]:
    """`blocks` have their counts, and a function that reads them."""
    rows: list[BlockRow] = []
    for counts, read in blocks:
        if not any(_is_wanted(kind, outcomes, row_types) for kind in counts):
            continue
        for row in unpacked(read()):
            if row["n"] > number and any(_is_wanted(kind, outcomes, row_types) for kind in kinds_of(row)):
                rows.append(row)
                if len(rows) == most:
                    return rows
    return rows


def _is_wanted(kind: str, outcomes: list[str], row_types: list[str]) -> bool:
    outcome, _, row_type = kind.partition(":")
    return (not outcomes or outcome in outcomes) and (not row_types or row_type in row_types)


def delete_blocks(import_id: UUID) -> None:
    ImportBlock.objects.filter(file_import_id=import_id).delete()
