"""What every format makes of a file: plain rows, the accounts that they are about, and what must be asked.

Amounts are exact and in the account's currency; what is owed is negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    """A security or a coin. `currency` is that of its prices; `quote_unit` is "1/100" where they are in pence or in
    per cent. CUSIP and SEDOL are as the file has them.
    """

    symbol: str
    name: str
    instrument_type: str
    currency: str
    isin: str = ""
    quote_unit: str = "1"
    cusip: str = ""
    sedol: str = ""

    @property
    def key(self) -> str:
        """By what it is known in the file: its ISIN, else its symbol or name with the currency."""
        return self.isin or f"{self.symbol or self.name}|{self.currency}"


CHOSEN = Instrument("", "", "other", "")  # the one that a person chose by `options.instrument_id`


class Details(NamedTuple):
    """What a new asset has beside its name, type and currency. `categories` are paths from the top."""

    notes: str = ""
    quantity: Decimal | None = None
    acquired_on: date | None = None
    disposed_on: date | None = None
    proceeds: Decimal | None = None
    shares: tuple[
        tuple[date | None, Decimal], ...
    ] = ()  # that of the household, by the day from which it counts
    categories: tuple[tuple[str, ...], ...] = ()
    tags: tuple[str, ...] = ()


NO_DETAILS = Details()


@dataclass(slots=True)
class Account:
    """An account of the file, which becomes an asset: two currencies in one account are two.

    A security in a securities account is an account of its own: `holder` is the name of the securities account.
    """

    name: str
    currency: str
    asset_type: str
    instrument: Instrument | None = None
    holder: str = ""
    details: Details = NO_DETAILS
    in_base_currency: bool = False  # that of the portfolio, where the file names none and has no amount

    @property
    def instrument_key(self) -> str | None:
        return self.instrument.key if self.instrument else None

    @property
    def key(self) -> str:
        if self.instrument and self.holder:
            security = self.instrument.isin or self.instrument.symbol or self.instrument.name
            return account_key(f"{self.holder}: {security}", self.currency)
        return account_key(self.name, self.currency)


def account_key(name: str, currency: str) -> str:
    return f"{name}|{currency}"


class ValueItem(NamedTuple):
    """The value of a whole account on a day. `note` None keeps that of a value which is there already.

    `rank` says which of two files of one format has the balance of a day, whichever is imported first: the one with the
    greater text. "" where a file does not say it: then the last import counts.
    """

    account: str
    on: date
    value: Decimal
    note: str | None = None
    rank: str = ""


class QuantityItem(NamedTuple):
    """How much an account holds of its instrument on a day."""

    account: str
    on: date
    quantity: Decimal
    note: str | None = None


class TransactionItem(NamedTuple):
    """A booking. `type` gives the direction, so amounts are never negative. `external_id` is the file's own id.

    `leg` names what a row books beside its first booking, such as CASH: it is known by the same id as that one. Only
    ADJUST and TRANSFER have signed quantities; the legs of a TRANSFER are in one row. `currency` "" is the account's.
    """

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
    currency: str = ""
    leg: str = ""


CASH = "cash"  # the leg of a trade, or of income, on the account that pays or receives


class PriceItem(NamedTuple):
    """The price of an instrument on a day, as it is quoted. `instrument` is its key."""

    instrument: str
    on: date
    price: Decimal


class ActionItem(NamedTuple):
    """What became of all units of an instrument: a split gives `numerator` for `denominator`."""

    instrument: str
    on: date
    type: str
    numerator: int
    denominator: int


class AssetItem(NamedTuple):
    """The account becomes an asset, also where nothing else is said of it."""

    account: str


class CancelItem(NamedTuple):
    """The booking was cancelled: where an earlier import made it, its numbers become zero, and no later one makes it.

    Without an `external_id` it is the stored one with the same type, day, quantity and amount.
    """

    booking: TransactionItem

    @property
    def account(self) -> str:
        return self.booking.account

    @property
    def on(self) -> date:
        return self.booking.on


type OfAccount = ValueItem | QuantityItem | TransactionItem
OF_AN_ACCOUNT = (ValueItem, QuantityItem, TransactionItem)  # for isinstance
type Item = OfAccount | CancelItem | AssetItem | PriceItem | ActionItem


@dataclass(slots=True)
class FileRow:
    """A row of the file, or a cell of a wide table. Without a reason it becomes its items.

    A row that is skipped may have items that cancel what earlier imports made of it.

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


class FileWarning(NamedTuple):
    """What a person should know about a file that is read nevertheless. `text` is what it is about."""

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
    symbol: str | None = None
    instrument_id: str | None = None
    portfolio: str | None = None
    time_zone: str | None = None


@dataclass(slots=True)
class Reading:
    """A file that is being read. What it says of accounts, instruments, questions and warnings is complete when `rows`
    has ended.
    """

    format: str
    detected: dict[str, Any]
    read: Callable[[Reading], Iterator[FileRow]]
    headings: list[str] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)

    about_the_file: list[FileWarning] = field(default_factory=list)  # warnings that no row can take back
    takes_back: bool = False  # whether its rows may cancel those of other files

    _asked_before: list[Question] | None = None

    def rows(self) -> Iterator[FileRow]:
        """Each call reads the file again."""
        if self._asked_before is None:
            self._asked_before = list(self.questions)
        self.questions[:] = self._asked_before
        self.warnings[:] = self.about_the_file
        self.accounts.clear()
        self.instruments.clear()
        return self.read(self)

    def account(self, account: Account) -> str:
        """The key of the account, which is known from then on.

        Two securities of one name are two accounts, and so are an account of money and a security.
        """
        if account.instrument is not None:
            self.instrument(account.instrument)
        part = "holder" if account.instrument and account.holder else "name"  # what the key begins with
        name, number = getattr(account, part), 2
        while (known := self.accounts.setdefault(account.key, account)) is not account:
            if known.instrument_key == account.instrument_key:
                return known.key
            numbered: dict[str, Any] = {part: f"{name[: NAME_LENGTH - 10]} ({number})"}
            account = replace(account, **numbered)
            number += 1
        return account.key

    def instrument(self, instrument: Instrument) -> str:
        """The key of the instrument, which is known from then on."""
        return self.instruments.setdefault(instrument.key, instrument).key

    def warn(self, warning: FileWarning) -> None:
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(warning)


MOST_WARNINGS = 1_000
