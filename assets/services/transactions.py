"""Transactions: the amount after a change, and the position within the day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Max

from assets.models import Asset, Transaction
from assets.rules.transactions import TransactionValues, validate_transaction


def recounted_amount(row: Transaction | None, changes: dict[str, Any]) -> dict[str, Any]:
    """{"amount": ...} if the changes of a transaction also change its amount, else {}. `row` is None for a new one.

    Raises ValidationError that names the field if the transaction's type does not allow the result.
    """
    values = TransactionValues._make(
        changes.get(name, getattr(row, name, None)) for name in TransactionValues._fields
    )
    recount = bool(changes.keys() & {"quantity", "unit_price"}) and "amount" not in changes
    amount = validate_transaction(values, recount=recount)
    return {} if amount == values.amount else {"amount": amount}


def next_position(asset: Asset, on: date) -> int:
    """The position after the day's last transaction."""
    last = asset.transactions.filter(on=on).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1
