"""The two legs of a transfer are changed and deleted together, under the locks of both portfolios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Max

from assets.models import Asset, Transaction
from assets.rules.entries.transfers import validate_changed_leg, whole_is_fixed
from strata.tenancy.guards import lock_guards
from strata.tenancy.writes import save_changes

SHARED = ("on", "occurred_at", "amount", "note")  # what both legs have in common
NOT_OF_A_WHOLE = ("on", "occurred_at", "amount")  # the disposal and the first value are of this day too


def lock_legs(transaction_id: UUID) -> None:
    """Lock the portfolios of both legs at once, if it is a leg: afterwards one of them may be locked alone."""
    transactions = Transaction._base_manager
    transfer = transactions.filter(pk=transaction_id).order_by().values("transfer_id")
    lock_guards(transactions.filter(transfer_id__in=transfer))


def other_leg(row: Transaction) -> Transaction | None:
    """The other leg; None for what is no transfer, and where its asset was deleted."""
    if row.transfer_id is None:
        return None
    legs = Transaction.objects.filter(transfer_id=row.transfer_id).exclude(pk=row.pk)
    return legs.select_related("asset__portfolio").first()


def check_changed_leg(row: Transaction, changes: Mapping[str, Any]) -> None:
    """400 for a quantity with another sign; 409 TRANSFER_IS_FIXED for the day or amount of an asset moved whole."""
    if row.transfer_id is None:
        return
    validate_changed_leg(row.quantity, changes.get("quantity", row.quantity))
    if row.quantity is None:
        for name in NOT_OF_A_WHOLE:
            if name in changes and changes[name] != getattr(row, name):
                raise whole_is_fixed(name)


def change_other_leg(row: Transaction, changes: Mapping[str, Any]) -> None:
    """Give the other leg the same changes; its quantity has the other sign. `row` is changed already."""
    other = other_leg(row)
    if other is None:
        return
    same = {name: changes[name] for name in SHARED if name in changes}
    if "quantity" in changes and changes["quantity"] is not None:
        same["quantity"] = -changes["quantity"]
    if same.get("on", other.on) != other.on:
        same["position"] = next_position(other.asset, same["on"])
    save_changes(other, same)


def next_position(asset: Asset, on: Any) -> int:
    """The position after the day's last transaction."""
    last = asset.transactions.filter(on=on).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1
