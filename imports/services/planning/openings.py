"""Running balances of accounts whose opening a person has named: what was in them before the first row.

An opening is what an account holds before the rows of its day. With it the balance at the end of each day with a row
is a value, and so is the opening itself, on the day before. A balance that the file has goes before a computed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from imports.formats.rows import FileRow, FileWarning, TransactionItem, ValueItem
from imports.formats.trades import received
from imports.reading.numbers import plus
from imports.services.planning.accounts import options_of_account

ZERO = Decimal(0)


class Opening(NamedTuple):
    on: date
    amount: Decimal


def openings_by_key(
    options: Mapping[str, Mapping[str, Any]], answered: str
) -> Callable[[str], Opening | None] | None:
    """A function that gives the opening of an account by its key; None where no account has one."""
    if not any(of_account.get("opening") for of_account in options.values()):
        return None

    def opening_of(key: str) -> Opening | None:
        said = options_of_account(options, key, answered).get("opening")
        return Opening(date.fromisoformat(said["on"]), Decimal(said["amount"])) if said else None

    return opening_of


@dataclass(slots=True)
class Days:
    """Of one account: what its rows add up to on each day, the number of the last row of each, and its balances."""

    opening: Opening | None
    sums: dict[date, Decimal] = field(default_factory=dict)
    last: dict[date, int] = field(default_factory=dict)
    stated: dict[date, Decimal] = field(default_factory=dict)

    def balances(self) -> dict[date, Decimal]:
        """At the end of each day with a row; and the opening. Before its day it is computed backwards."""
        if self.opening is None:
            return {}
        before = (number for on, number in self.sums.items() if on < self.opening.on)
        balance = plus(self.opening.amount, *(-number for number in before))
        result = {}
        for on in sorted(self.sums):
            balance = result[on] = plus(balance, self.sums[on])
        result[self.opening.on - timedelta(days=1)] = self.opening.amount
        return result


class RunningBalances:
    """`add` is called for each row in its order; then `of_row` has the values that come with each row."""

    def __init__(self, opening_of: Callable[[str], Opening | None], skipped: Iterable[int]) -> None:
        self.opening_of, self.skipped = opening_of, frozenset(skipped)
        self.accounts: dict[str, Days] = {}
        self.warnings: list[FileWarning] = []

    def add(self, number: int, row: FileRow) -> None:
        if row.refusal or row.skip or row.line in self.skipped:
            return
        for item in row.items:
            if isinstance(item, TransactionItem | ValueItem):
                days = self.accounts.get(item.account)
                if days is None:
                    days = self.accounts[item.account] = Days(self.opening_of(item.account))
                if isinstance(item, ValueItem):
                    days.stated[item.on] = item.value
                elif days.opening and item.quantity is None:
                    days.sums[item.on] = plus(days.sums.get(item.on, ZERO), received(item))
                    days.last[item.on] = number

    def of_row(self) -> dict[int, list[ValueItem]]:
        values: dict[int, list[ValueItem]] = {}
        for key, days in self.accounts.items():
            for on, balance in days.balances().items():
                stated = days.stated.get(on)
                if stated is None and days.last:
                    number = days.last.get(on, min(days.last.values()))
                    values.setdefault(number, []).append(ValueItem(key, on, balance))
                elif stated is not None and stated != balance:
                    text = f"{on}: {balance:f} / {stated:f}"
                    self.warnings.append(FileWarning("BALANCE_DIFFERS", None, "balance", text))
        return values


def with_values(rows: Iterable[FileRow], values: Mapping[int, list[ValueItem]]) -> Iterator[FileRow]:
    for number, row in enumerate(rows):
        if number in values:
            row.items = (*row.items, *values[number])
        yield row
