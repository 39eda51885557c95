"""Rows that were checked, in a private temporary file until they are written, so that memory does not grow."""

from __future__ import annotations

import marshal
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched, islice
from typing import IO, Any

from django.db import models

from archives.rows.alike import Run
from strata.audit.models import JournalEntry
from strata.audit.recording import write_recorded
from strata.db.bulk import insert_rows

BATCH = 1000
SIZE = struct.Struct("<I")  # of a batch in the file
VERSION = 2  # of marshal's format: the fastest, which looks for no object that is there twice
ROWS_OF_A_STATEMENT = 50_000  # keeps each below the time that a statement may take

type StoredRow = tuple[Any, ...]


class Spool:
    """The rows of one model. `names` are their fields, values are as `insert_rows` takes them.

    marshal is safe here: this process wrote the file, which nobody else can open.
    """

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        self.model, self.names, self.count = model, tuple(names), 0
        self._stored_count = 0
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._batch: list[StoredRow] = []

    def add(self, row: StoredRow) -> None:
        self.extend([row])

    def extend(self, rows: Sequence[StoredRow]) -> None:
        self._batch += rows
        self.count += len(rows)
        if len(self._batch) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        self._stored_count += len(self._batch)
        data = marshal.dumps(self._batch, VERSION)
        self._file.write(SIZE.pack(len(data)))
        self._file.write(data)
        self._batch = []

    def rows(self, change: Callable[[StoredRow], StoredRow] | None = None) -> Iterator[StoredRow]:
        """All rows, each as `change` makes it."""
        return self._stored() if change is None else map(change, self._stored())

    def _stored(self) -> Iterator[StoredRow]:
        if self._batch:
            self._flush()
        self._file.seek(0)
        read = 0
        while read < self._stored_count:
            (size,) = SIZE.unpack(self._file.read(SIZE.size))
            batch = marshal.loads(self._file.read(size))  # noqa: S302 - see above # nosec B302
            read += len(batch)
            yield from batch

    def batches(
        self, size: int, change: Callable[[StoredRow], StoredRow] | None = None
    ) -> Iterator[Sequence[StoredRow]]:
        """All rows, up to `size` at a time."""
        return batched(self.rows(change), size)

    def write(self, change: Callable[[StoredRow], StoredRow] | None = None) -> None:
        """Insert all rows, each as `change` makes it."""
        rows = self.rows(change)
        for _ in range(0, self.count, ROWS_OF_A_STATEMENT):
            self.insert(islice(rows, ROWS_OF_A_STATEMENT))

    def insert(self, rows: Iterable[StoredRow]) -> None:
        insert_rows(self.model, self.names, rows)

    def close(self) -> None:
        self._file.close()


class JournalSpool(Spool):
    """Entries of the journal. Those that differ in the id of their row alone are one stored row, a Run."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(JournalEntry, names)

    def add_run(self, run: Run) -> None:
        self.add(run)
        self.count += len(run[1]) - 1

    def batches(
        self, size: int, change: Callable[[StoredRow], StoredRow] | None = None
    ) -> Iterator[Sequence[StoredRow]]:
        batch, count = list[StoredRow](), 0
        for run in self.rows(change):
            if batch and count + len(run[1]) > size:
                yield batch
                batch, count = [], 0
            batch.append(run)
            count += len(run[1])
        if batch:
            yield batch

    def write(self, change: Callable[[StoredRow], StoredRow] | None = None) -> None:
        for batch in self.batches(ROWS_OF_A_STATEMENT, change):
            self.insert(batch)

    def insert(self, rows: Iterable[StoredRow]) -> None:
        """They get the form that they would have if they were new."""
        write_recorded(self.names, rows)
