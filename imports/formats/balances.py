"""Running balances of files that are whole ledgers: what an account holds at the end of each day is its value."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from imports.formats.rows import FileRow, Reading, TransactionItem, ValueItem
from imports.formats.trades import money, received
from imports.reading.numbers import plus


def add_balances(
    reading: Reading,
    rows: list[FileRow],
    accounts: Collection[str] | None = None,
    *,
    without: Collection[int] = (),
) -> None:
    """Give the last row of each day the value of each account that has a row then. The rows are in order of their days.

    `accounts` are the keys of those that are whole; None for all. Accounts that hold a security have no balance.
    `without` are the ids of row objects that only count: the file says what accounts are worth after them.
    """
    balances: dict[str, Decimal] = {}
    last: dict[tuple[str, int], tuple[FileRow, ValueItem]] = {}
    for row in rows:
        if row.refusal or row.skip:
            continue
        for item in row.items:
            if not isinstance(item, TransactionItem) or not is_in_balance(item, reading):
                continue
            if accounts is not None and item.account not in accounts:
                continue
            balance = plus(balances.get(item.account, Decimal(0)), received(item))
            balances[item.account] = balance
            if id(row) in without:
                continue
            value = ValueItem(item.account, item.on, money(reading, row.line, balance, "balance"))
            last[item.account, item.on.toordinal()] = row, value
    for row, value in last.values():
        row.items = (*row.items, value)


def is_in_balance(item: TransactionItem, reading: Reading) -> bool:
    """Whether it changes what an account of money has: a booking in another currency does not."""
    account = reading.accounts[item.account]
    return account.instrument is None and item.currency in ("", account.currency)


def in_order(rows: list[FileRow]) -> list[FileRow]:
    """The rows by the day of their first booking; those without one come last."""
    return sorted(rows, key=day_of)


def day_of(row: FileRow) -> date:
    return next((item.on for item in row.items if isinstance(item, TransactionItem)), date.max)
