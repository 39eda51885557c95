"""The rows of a preview, packed into blocks of a thousand: small on disk, and read a page at a time."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from imports.models import ImportBlock

ROWS = 1_000
LEVEL = 1

# By one letter each, since there may be a million: n number, l line, c column, s sheet, o outcome, t row type,
# r reason, f as read from the file, b what it becomes, each with what is there before.
type BlockRow = dict[str, Any]


class BlockWriter:
    """Stores rows in their order; the last block when `close` is called."""

    def __init__(self, import_id: UUID) -> None:
        self._import_id, self._rows, self._next = import_id, list[BlockRow](), 1

    def add(self, row: BlockRow) -> None:
        row["n"] = self._next + len(self._rows)
        self._rows.append(row)
        if len(self._rows) == ROWS:
            self.close()

    def close(self) -> None:
        if self._rows:
            ImportBlock.objects.create(
                file_import_id=self._import_id,
                first=self._next,
                counts=counts_of(self._rows),
                rows=packed(self._rows),
            )
        self._next += len(self._rows)
        self._rows = []


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


def blocks_of(import_id: UUID) -> Iterator[tuple[ImportBlock, list[BlockRow]]]:
    """Each block with its rows, in their order; one is in memory at a time."""
    firsts = list(
        ImportBlock.objects.filter(file_import_id=import_id).order_by("first").values_list("pk", flat=True)
    )
    for pk in firsts:
        block = ImportBlock.objects.get(pk=pk)
        yield block, unpacked(block.rows)


def replace(block: ImportBlock, rows: list[BlockRow]) -> None:
    block.rows = packed(rows)
    block.save(update_fields=["rows"])


def rows_after(
    import_id: UUID, number: int, most: int, outcomes: list[str], row_types: list[str]
) -> list[BlockRow]:
    """Up to `most` rows after this number, with one of the outcomes and of the types; empty lists ask for all."""
    rows: list[BlockRow] = []
    blocks = ImportBlock.objects.filter(file_import_id=import_id, first__gt=number - ROWS).order_by("first")
    for pk, counts in list(blocks.values_list("pk", "counts")):
        if not any(_is_wanted(kind, outcomes, row_types) for kind in counts):
            continue
        for row in unpacked(ImportBlock.objects.values_list("rows", flat=True).get(pk=pk)):
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
