"""What every format makes of a file: plain rows, the accounts that they are about, and what must be asked.

Amounts are exact and in the account's currency; what is owed is negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from imports.reading.refusals import Reason

NAME_LENGTH = 200
MOST_MONEY = Decimal(10) ** 14


class RowType(StrEnum):
    ASSET = "asset"
    VALUE = "value"
    TRANSACTION = "transaction"
    INSTRUMENT = "instrument"
    PRICE = "price"
    ACTION = "action"


class Instrument(NamedTuple):
    """A security or a coin that an account holds a quantity of."""

    symbol: str
    name: str
    instrument_type: str
    currency: str


@dataclass(slots=True)
class Account:
    """An account of the file, which becomes an asset: two currencies in one account are two."""

    name: str
    currency: str
    asset_type: str
    instrument: Instrument | None = None

    @property
    def key(self) -> str:
        return account_key(self.name, self.currency)


def account_key(name: str, currency: str) -> str:
    return f"{name}|{currency}"


class ValueItem(NamedTuple):
    """The value of a whole account on a day. `note` None keeps that of a value which is there already."""

    account: str
    on: date
    value: Decimal
    note: str | None = None


class QuantityItem(NamedTuple):
    """How much an account holds of its instrument on a day."""

    account: str
    on: date
    quantity: Decimal
    note: str | None = None


class TransactionItem(NamedTuple):
    """A booking. `type` gives the direction, so amounts are never negative. `external_id` is the file's own id."""

    account: str
    type: str
    on: date
    occurred_at: datetime | None
    amount: Decimal | None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    note: str = ""
    external_id: str = ""


type Item = ValueItem | QuantityItem | TransactionItem


@dataclass(slots=True)
class FileRow:
    """A row of the file, or a cell of a wide table. Without a reason it becomes its items.

    `row_type` is what it is counted as where it is refused or skipped; None for what is no data, such as a total.
    """

    line: int
    read: Mapping[str, str]
    row_type: RowType | None
    items: tuple[Item, ...] = ()
    column: str | None = None
    sheet: str | None = None
    refusal: Reason | None = None
    skip: Reason | None = None


class Example(NamedTuple):
    line: int
    text: str


@dataclass(slots=True)
class Question:
    """What must be asked and not guessed. `option` answers it; `suggestion` is what is offered first."""

    code: str
    option: str
    required: bool = True
    choices: tuple[str, ...] | None = None
    examples: tuple[Example, ...] = ()
    suggestion: str | None = None
    account: str | None = None


class Warning(NamedTuple):
    code: str
    line: int | None = None
    column: str | None = None
    text: str = ""


@dataclass(slots=True)
class Options:
    """What a person decided about a file. Options of accounts and of lines are applied to the rows that are read."""

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    date_order: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    columns: Mapping[str, str | int] = field(default_factory=dict)
    currency: str | None = None
    on: date | None = None
    account: str | None = None
    type: str | None = None


@dataclass(slots=True)
class Reading:
    """A file that is being read. `accounts`, `questions` and `warnings` are complete when `rows` has ended."""

    format: str
    detected: dict[str, Any]
    read: Callable[[Reading], Iterator[FileRow]]
    headings: list[str] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)

    _asked_before: list[Question] | None = None

    def rows(self) -> Iterator[FileRow]:
        """Each call reads the file again."""
        if self._asked_before is None:
            self._asked_before = list(self.questions)
        self.questions[:] = self._asked_before
        self.warnings.clear()
        self.accounts.clear()
        return self.read(self)

    def account(self, account: Account) -> str:
        """The key of the account, which is known from then on."""
        return self.accounts.setdefault(account.key, account).key

    def warn(self, warning: Warning) -> None:
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(warning)


MOST_WARNINGS = 1_000
