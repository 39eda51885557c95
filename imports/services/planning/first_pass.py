"""What has to be known of a whole file before its rows are planned: days that it has twice, and quantities held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from imports.formats.rows import FileRow, Item, PriceItem, QuantityItem, ValueItem
from imports.reading.refusals import FileRefused
from imports.services.planning.openings import RunningBalances, with_values

FIRST_ORDINAL, DAYS = date(1800, 1, 1).toordinal(), 150_000
type Dated = ValueItem | QuantityItem | PriceItem
type DatedKey = tuple[type[Dated], str]
DATED = (ValueItem, QuantityItem, PriceItem)  # for isinstance


class NeedsFirstPass(Exception):
    """The file has a day twice, or quantities: what becomes of a row depends on later ones."""


class OnePass:
    """In place of FirstPass, for a file whose rows do not depend on later ones. Raises NeedsFirstPass for others."""

    quantities: dict[str, dict[date, Decimal]] = {}

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._seen: dict[DatedKey, bytearray] = {}

    def rows(self, rows: Iterable[FileRow]) -> Iterator[FileRow]:
        return counted(rows, self._most_rows)

    def is_last(self, item: Item) -> bool:
        if not isinstance(item, DATED):
            return True
        if isinstance(item, QuantityItem) or _is_seen(_days(self._seen, item), item.on):
            raise NeedsFirstPass
        return True


class FirstPass:
    """The days of which a file has several values of one account, or prices of one instrument: the last row counts.

    A bit for each day is enough. `quantities` are those that count, by account and day.
    """

    def __init__(
        self, rows: Iterable[FileRow], most_rows: int, balances: RunningBalances | None = None
    ) -> None:
        self.quantities: dict[str, dict[date, Decimal]] = {}
        self.balances = balances
        self._left: Counter[tuple[DatedKey, int]] = Counter()
        seen: dict[DatedKey, bytearray] = {}
        for number, row in enumerate(counted(rows, most_rows)):
            if balances:
                balances.add(number, row)
            for item in row.items:
                if isinstance(item, DATED):
                    self._see(_days(seen, item), item)
                if isinstance(item, QuantityItem):
                    self.quantities.setdefault(item.account, {})[item.on] = item.quantity

    def rows(self, rows: Iterable[FileRow]) -> Iterable[FileRow]:
        return with_values(rows, self.balances.of_row()) if self.balances else rows

    def _see(self, bits: bytearray, item: Dated) -> None:
        if _is_seen(bits, item.on):
            key = _key(item), item.on.toordinal()
            self._left[key] = max(self._left[key], 1) + 1

    def is_last(self, item: Item) -> bool:
        """Whether no later row has the day. Called once for each item, in their order."""
        if not isinstance(item, DATED):
            return True
        key = _key(item), item.on.toordinal()
        if key not in self._left:
            return True
        self._left[key] -= 1
        return self._left[key] == 0


def counted(rows: Iterable[FileRow], most_rows: int) -> Iterator[FileRow]:
    """The rows. Raises FileRefused where they are too many."""
    for number, row in enumerate(rows):
        if number >= most_rows:
            raise FileRefused("TOO_MANY_ROWS", row.line)
        yield row


def _is_seen(bits: bytearray, on: date) -> bool:
    """Whether the day was asked about before."""
    byte, bit = divmod(on.toordinal() - FIRST_ORDINAL, 8)
    is_seen = bool(bits[byte] >> bit & 1)
    bits[byte] |= 1 << bit
    return is_seen


def _days(seen: dict[DatedKey, bytearray], item: Dated) -> bytearray:
    """The bits of the days of the item's account or instrument."""
    key = _key(item)
    bits = seen.get(key)
    if bits is None:
        bits = seen[key] = bytearray(DAYS // 8)
    return bits


def _key(item: Dated) -> DatedKey:
    """Accounts and instruments may have the same key, and so may values and quantities."""
    return type(item), item.instrument if isinstance(item, PriceItem) else item.account
