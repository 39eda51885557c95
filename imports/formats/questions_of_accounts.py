"""What is asked about single accounts: whether a positive balance is owed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imports.formats.rows import Example, FileRow, Item, Question, Reading, ValueItem
from imports.reading.kinds import DEBTS


@dataclass(slots=True)
class Debts:
    """Which accounts have a positive balance and none below zero."""

    positive: dict[str, Example] = field(default_factory=dict)
    negative: set[str] = field(default_factory=set)

    def add(self, line: int, item: Item) -> None:
        if isinstance(item, ValueItem) and item.value > 0:
            if item.account not in self.positive:
                self.positive[item.account] = Example(line, f"{item.on}: {item.value}")
        elif isinstance(item, ValueItem) and item.value < 0:
            self.negative.add(item.account)

    def questions(self, reading: Reading) -> Iterator[Question]:
        """SIGN for each account that looks like a debt and is never below zero."""
        for key, example in self.positive.items():
            if key not in self.negative and reading.accounts[key].asset_type in DEBTS:
                yield Question("SIGN", "accounts", False, ("+", "-"), (example,), "-", key)


def debts_of(reading: Reading, rows: Iterable[FileRow]) -> Iterator[Question]:
    debts = Debts()
    for row in rows:
        for item in row.items:
            debts.add(row.line, item)
    return debts.questions(reading)
