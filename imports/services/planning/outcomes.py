"""The outcomes of rows, the types of what they become, and how many there are of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from imports.formats.rows import FileWarning, RowType
from imports.services.blocks import BlockRow

CREATE, UPDATE, SKIP, REFUSE = "create", "update", "skip", "refuse"
OUTCOMES = (CREATE, UPDATE, SKIP, REFUSE)
ROW_TYPES = tuple(
    str(row_type)
    for row_type in (
        RowType.ASSET,
        RowType.VALUE,
        RowType.TRANSACTION,
        RowType.INSTRUMENT,
        RowType.PRICE,
        RowType.ACTION,
    )
)
REFUSALS = frozenset({"UNSUPPORTED", "BAD_NAME", "OUT_OF_RANGE", "FUTURE_PRICE", "OTHER_CURRENCY"})
KNOWN = frozenset({"ALREADY_THERE", "DELETED_BY_HAND"})


class Choices(NamedTuple):
    """What a person chose about the rows. `skip` and `again` are lines."""

    skip: frozenset[int]
    again: frozenset[int]
    keeps_values: bool
    has_cash: bool = True


@dataclass(slots=True)
class Plan:
    """What a preview says: the rows are in the blocks."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: int = 0
    skipped: int = 0
    warnings: list[FileWarning] = field(default_factory=list)

    def count(self, row: BlockRow) -> None:
        if row["o"] == REFUSE:
            self.refused += 1
        elif row["o"] == SKIP:
            self.skipped += 1
        if row["b"]:
            for item in row["b"]:
                self.counts[item["row_type"], UPDATE if item["before"] else CREATE] += 1
        elif row["t"]:
            self.counts[row["t"], row["o"]] += 1

    def as_json(self) -> dict[str, dict[str, int]]:
        return {
            row_type: {outcome: self.counts[row_type, outcome] for outcome in OUTCOMES}
            for row_type in ROW_TYPES
        }
