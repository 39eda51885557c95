"""What a journal says, in whatever of the languages it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from imports.formats.rows import FileRow, RowType
from imports.reading.refusals import Reason

ASSETS, LIABILITIES, EQUITY, INCOME, EXPENSES = "Assets", "Liabilities", "Equity", "Income", "Expenses"


class Amount(NamedTuple):
    number: Decimal
    commodity: str


@dataclass(slots=True)
class Posting:
    """`cost` and `price` are totals with the sign of the units. `from_lots` is True where the cost is that of earlier
    purchases, which the posting does not say.
    """

    line: int
    account: str
    units: Amount | None = None
    cost: Amount | None = None
    price: Amount | None = None
    from_lots: bool = False
    asserted: Amount | None = None

    @property
    def weight(self) -> Amount | None:
        """What the posting adds to the sum of its transaction, which is zero; None where it is not known."""
        if self.from_lots:
            return None
        return self.cost or self.price or self.units


@dataclass(slots=True)
class Entry:
    """A transaction. `refusal` is why it cannot be read; `is_pad` says that a balance needed it."""

    line: int
    on: date
    note: str
    text: str
    postings: list[Posting] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    refusal: Reason | None = None
    is_pad: bool = False


class Price(NamedTuple):
    line: int
    on: date
    commodity: str
    amount: Amount
    text: str


class Balance(NamedTuple):
    """What an account, with all accounts below it, has at the beginning of the day."""

    line: int
    on: date
    account: str
    amount: Amount
    tolerance: Decimal
    text: str


class Stated(NamedTuple):
    """What a holding was recorded to be worth on a day."""

    line: int
    on: date
    account: str
    amount: Amount
    text: str


class Pad(NamedTuple):
    line: int
    on: date
    account: str
    other: str
    text: str


@dataclass(slots=True)
class Journal:
    """`rows` are the lines that are refused or skipped. `root_of` is what kind of account one is, "" for unknown."""

    root_of: Callable[[str], str]
    entries: list[Entry] = field(default_factory=list)
    prices: list[Price] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    pads: list[Pad] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)
    rows: list[FileRow] = field(default_factory=list)
    accounts: dict[str, Mapping[str, str]] = field(default_factory=dict)
    commodities: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def refuse(self, line: int, text: str, code: str = "UNSUPPORTED", name: str | None = None) -> None:
        reason = Reason(code, name, text[:100])
        self.rows.append(FileRow(line, {"line": text[:1_000]}, RowType.TRANSACTION, refusal=reason))

    def skip(self, line: int, text: str) -> None:
        reason = Reason("NOT_A_TRANSACTION")
        self.rows.append(FileRow(line, {"line": text[:1_000]}, RowType.TRANSACTION, skip=reason))
