"""What a file says in sums, to be compared with what a simple reader of the same file found."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from imports.formats.detection import read_file
from imports.formats.rows import Options, PriceItem, TransactionItem, ValueItem
from imports.formats.trades import received


def read(data, name="file", **options):
    """The reading and its rows."""
    reading = read_file(data, Options(**options), name=name).reading
    return reading, list(reading.rows())


def items(rows, kind=TransactionItem):
    return [item for row in rows if not row.refusal for item in row.items if isinstance(item, kind)]


def amounts(rows, *, legs=False):
    """The sum of the amounts by type and currency; legs on cash accounts only where they are asked for."""
    sums = Counter()
    for item in items(rows):
        if legs or not item.leg:
            sums[item.type, item.currency or item.account.rpartition("|")[2]] += item.amount or 0
    return {key: number for key, number in sums.items() if number}


def fees(rows):
    return sum((item.fee for item in items(rows)), Decimal(0))


def cash(rows):
    """What each account has received, less what it has paid, in bookings without a quantity."""
    sums = Counter()
    for item in items(rows):
        if item.quantity is None:
            sums[item.account] += received(item)
    return dict(sums)


def held(rows):
    sums = Counter()
    for item in items(rows):
        if item.quantity is not None:
            sums[item.account] += -item.quantity if item.type == "DISPOSE" else item.quantity
    return dict(sums)


def values(rows):
    return [(item.account, item.on.isoformat(), item.value) for item in items(rows, ValueItem)]


def prices(rows):
    return items(rows, PriceItem)


def reasons(rows):
    """The code of each row that is refused or skipped, with its line."""
    numbered = [(row.line, row.refusal or row.skip) for row in rows]
    return [(line, reason.code) for line, reason in numbered if reason]
