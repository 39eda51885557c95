"""Programs that keep a budget: the CSV of Actual, YNAB, Sure and Mint. A row is a booking of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from imports.formats.balances import add_balances, in_order
from imports.formats.cells import Refused
from imports.formats.named_columns import NamedTable, RowReader, find_table, opened
from imports.formats.questions_of_accounts import debts_of
from imports.formats.rows import (
    NAME_LENGTH,
    Account,
    Example,
    FileRow,
    FileWarning,
    Options,
    Question,
    Reading,
    RowType,
    ValueItem,
)
from imports.formats.trades import ZERO, earned_or_spent, flow, money
from imports.reading.currencies import currency_in_name, currency_of_mark
from imports.reading.kinds import OTHER, asset_type_of
from imports.reading.numbers import plus, read_number
from imports.reading.refusals import FileRefused, Reason
from imports.reading.tables import Document, Line

ACCOUNT_TYPES = ("CHECKING_ACCOUNT", "SAVINGS_ACCOUNT", "CREDIT_CARD", "CASH", "LOAN", "MORTGAGE")
STARTING = ("starting balance", "starting balances")
FLOW_CATEGORIES = ("transfer", "transfers", "credit card payment", "starting balance", "starting balances")
MOST_EXAMPLES = 5


class Budget(NamedTuple):
    """One of the programs. `needed` are headings that its file has, one of each."""

    name: str
    needed: tuple[tuple[str, ...], ...]
    score: int
    reader: Callable[..., BudgetReader]


class BudgetReader(RowReader):
    account_columns: tuple[str, ...] = ("account",)
    note_columns: tuple[str, ...] = ("payee", "name", "description")
    number_columns: tuple[str, ...] = ("amount",)

    def rows(self) -> Iterator[FileRow]:
        self.whole: set[str] = set()
        self.without_currency: list[Example] = []
        self.names = {self.text(line, *self.account_columns).casefold() for line in self.table} - {""}
        yield from super().rows()

    def fill(self, row: FileRow, line: Line) -> None:
        on = self.day(line, "date")
        key = self.account(line)
        amount = money(self.reading, line.number, self.amount(line), "amount")
        if not amount:
            return
        if self.is_starting(line):
            self.whole.add(key)
        note = " ".join(text for column in self.note_columns if (text := self.text(line, column)))
        make = flow if self.is_flow(line) else earned_or_spent
        row.items = (make(key, on, amount, note),)

    def amount(self, line: Line) -> Decimal:
        number = self.number(line, *self.number_columns)
        if number is None:
            raise Refused("MISSING_FIELD", "amount")
        return number

    def is_flow(self, line: Line) -> bool:
        payee = self.text(line, "payee").casefold()
        return (
            payee.startswith("transfer :")
            or payee in STARTING
            or payee in self.names
            or self.text(line, "category").casefold() in FLOW_CATEGORIES
        )

    def is_starting(self, line: Line) -> bool:
        return any(self.text(line, column).casefold() in STARTING for column in ("payee", "category"))

    def account(self, line: Line) -> str:
        name = self.text(line, *self.account_columns)
        if not name or len(name) > NAME_LENGTH:
            raise Refused("BAD_NAME" if name else "MISSING_FIELD", "account", name[:NAME_LENGTH])
        stated = self.text(line, "currency")
        unsaid = currency_in_name(name) or self.options.currency or self.sign(line)
        currency = currency_of_mark(stated) if stated else unsaid
        if stated and not currency:
            raise Refused("BAD_CURRENCY", "currency", stated[:20])
        if not currency and len(self.without_currency) < MOST_EXAMPLES:
            self.without_currency.append(Example(line.number, " ".join(self.table.read(line).values())[:200]))
        kind = asset_type_of(name)
        return self.reading.account(
            Account(name, currency, kind if kind in ACCOUNT_TYPES else "CHECKING_ACCOUNT")
        )

    def sign(self, line: Line) -> str:
        """The currency that is written beside an amount, where nothing else says it."""
        for column in self.number_columns:
            cell = self.table.cell(line, column)
            number = read_number(cell.strip(), self.cells.decimal) if isinstance(cell, str) else None
            if number and number.currency:
                return number.currency
        return ""


class ActualReader(BudgetReader):
    """The row of a whole that is split has no amount: its parts have."""

    note_columns = ("payee", "notes")

    def fill(self, row: FileRow, line: Line) -> None:
        if self.number(line, "split_amount") and not self.number(line, "amount"):
            row.skip = Reason("SUMMARY_ROW")
        else:
            super().fill(row, line)


class YnabReader(BudgetReader):
    note_columns = ("payee", "memo")
    number_columns = ("outflow", "inflow")

    def amount(self, line: Line) -> Decimal:
        outflow, inflow = self.number(line, "outflow"), self.number(line, "inflow")
        if outflow is None and inflow is None:
            raise Refused("MISSING_FIELD", "outflow")
        return plus(inflow or ZERO, -(outflow or ZERO))


class MintReader(BudgetReader):
    """The type gives the sign: amounts of credits may be negative."""

    account_columns = ("account name",)
    note_columns = ("description", "notes")

    def amount(self, line: Line) -> Decimal:
        number, kind = abs(super().amount(line)), self.text(line, "transaction type").casefold()
        if kind not in ("debit", "credit"):
            raise Refused("UNKNOWN_TYPE" if kind else "MISSING_FIELD", "transaction type", kind[:100])
        return -number if kind == "debit" else number


class SureReader(BudgetReader):
    account_columns = ("account", "account name", "account_name")
    note_columns = ("name", "notes")


class SureAccountsReader(BudgetReader):
    """What each account is worth on the day that is asked."""

    row_type = RowType.VALUE
    account_columns = ("name", "account name")

    def fill(self, row: FileRow, line: Line) -> None:
        balance = self.number(line, "balance")
        if balance is None:
            raise Refused("MISSING_FIELD", "balance")
        key = self.account(line)
        account = self.reading.accounts[key]
        kind = asset_type_of(self.text(line, "account type", "account_type", "type"), account.name)
        account.asset_type = OTHER if kind == OTHER else kind
        on = self.options.on or date(1800, 1, 1)  # asked, and so never written
        row.items = (ValueItem(key, on, money(self.reading, line.number, balance, "balance")),)


BUDGETS = (
    Budget(
        "actual-csv", (("account",), ("date",), ("payee",), ("amount",), ("split_amount",)), 80, ActualReader
    ),
    Budget(
        "ynab-csv",
        (("account",), ("date",), ("payee",), ("outflow",), ("inflow",), ("memo", "cleared", "flag")),
        80,
        YnabReader,
    ),
    Budget(
        "mint-csv",
        (("date",), ("original description",), ("amount",), ("transaction type",), ("account name",)),
        80,
        MintReader,
    ),
    Budget(
        "sure-csv",
        (("date",), ("name",), ("amount",), ("category",), ("tags",), ("account",)),
        30,
        SureReader,
    ),
    Budget(
        "sure-csv",
        (("account type", "account_type"), ("name",), ("balance",), ("currency",)),
        30,
        SureAccountsReader,
    ),
)
NAMES = tuple(dict.fromkeys(budget.name for budget in BUDGETS))


def budget_of(name: str, document: Document) -> tuple[Budget, NamedTable] | None:
    for budget in BUDGETS:
        if budget.name == name and (table := find_table(document, *budget.needed)):
            has_day = table.has("date")
            if budget.reader is not SureAccountsReader or not has_day:
                return budget, table
    return None


def fits(name: str, document: Document, options: Options) -> int:
    fitting = budget_of(name, document)
    return fitting[0].score if fitting else 0


def read(name: str, document: Document, options: Options) -> Reading:
    fitting = budget_of(name, document)
    if fitting is None:
        raise FileRefused("UNKNOWN_FORMAT")
    budget, table = fitting
    numbers = ("amount", "split_amount", "outflow", "inflow", "balance")
    reading, cells = opened(name, table, document, options, numbers=numbers, days=("date",))
    if budget.reader is SureAccountsReader and not options.on:
        reading.questions.append(Question("DAY", "on"))
    reading.read = lambda reading: rows_of(reading, budget.reader(reading, table, cells, options))
    return reading


def rows_of(reading: Reading, reader: BudgetReader) -> Iterator[FileRow]:
    rows = in_order(list(reader.rows()))
    add_balances(reading, rows, reader.whole)
    yield from rows
    if reader.without_currency:
        reading.questions.append(Question("CURRENCY", "currency", examples=tuple(reader.without_currency)))
    if isinstance(reader, SureAccountsReader):
        reading.questions.extend(debts_of(reading, rows))
    elif rows and not reader.whole:
        reading.warn(FileWarning("NO_BALANCES"))
    if not rows:
        reading.warn(FileWarning("NOTHING_INSIDE"))
