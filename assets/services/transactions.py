"""Transactions: what a change makes of a row's amount, and a row's place in the day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Max

from assets.models import Asset, Transaction
from assets.rules.transactions import TransactionValues, validate_transaction


def recounted_amount(row: Transaction | None, changes: dict[str, Any]) -> dict[str, Any]:
    """The amount that the changed or new (None) transaction comes to, as a change of its own; {} where it stays.

    Raises ValidationError that names the field where its type does not allow what it would be made of.
    """
    values = TransactionValues(
        **{name: changes.get(name, getattr(row, name, None)) for name in TransactionValues._fields}
    )
    recount = bool(changes.keys() & {"quantity", "unit_price"}) and "amount" not in changes
    amount = validate_transaction(values, recount=recount)
    return {} if amount == values.amount else {"amount": amount}


def next_position(asset: Asset, on: date) -> int:
    """The place after the day's last transaction."""
    last = asset.transactions.filter(on=on).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1
