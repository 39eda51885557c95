"""Writes transactions: money or quantity that moved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, Transaction
from assets.rules.entries.disposal import RecordedSale, validate_recorded_sale
from assets.rules.entries.transactions import (
    TransactionValues,
    is_computed_amount,
    validate_transaction,
    validate_type,
)
from assets.rules.instruments.instruments import quote_unit
from assets.services.entries.lot_choices import check_chosen_lots
from assets.services.entries.moments import changed_moment
from assets.services.entries.transfer_legs import (
    change_other_leg,
    check_changed_leg,
    lock_legs,
    next_position,
    other_leg,
)
from strata.audit.clock import written_at
from strata.exceptions import Conflict
from strata.fields.dates import resolve_instant_and_day
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    locked_parent,
    locked_row,
    save_changes,
)

DUPLICATE = Conflict(
    "DUPLICATE_TRANSACTION",
    _("The asset has a transaction with this source and id: change that one."),
    "external_id",
)


@atomic_write
def add_transaction(
    asset_id: UUID,
    *,
    occurred_at: datetime | None = None,
    on: date | None = None,
    precondition: Precondition = always,
    **values: Any,
) -> Transaction:
    """Record a transaction. Its currency defaults to the asset's, its moment to now, its position to the day's end.

    400 for values that its type does not allow (assets.rules.entries.transactions), or for an instant and a day that
    contradict each other; 409 DUPLICATE_TRANSACTION for a source and external id that the asset has already.
    """
    assets = Asset.objects.select_related("portfolio", "instrument")
    asset = locked_parent(Transaction, assets, asset_id, "asset")
    precondition(asset)
    at, day = resolve_instant_and_day(occurred_at, on, asset.portfolio.time_zone, written_at())
    values["currency"] = values.get("currency") or asset.currency
    values["occurred_at"] = at
    check_recorded_sale(None, {**values, "on": day})
    values |= recounted_amount(None, values, asset)
    check_chosen_lots(asset, {**values, "on": day})
    return new_transaction(asset, day, **values)


def new_transaction(asset: Asset, on: date, *, position: int | None = None, **values: Any) -> Transaction:
    """Store a transaction that was checked, of an asset that the caller has locked and read."""
    if position is None:
        position = next_position(asset, on)
    with conflict_if_duplicate(Transaction, DUPLICATE, key=external_key(values)):
        return Transaction.objects.create(asset=asset, on=on, position=position, **values)


@atomic_write
def update_transaction(
    transaction_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> Transaction:
    """Refuses what `add_transaction` refuses, and 409 DISPOSAL_IS_FIXED where it records a disposal.

    Of a transfer both legs are changed. A position of None moves it to the end of its day; no currency means that of
    the asset.
    """
    lock_legs(transaction_id)
    row = locked_row(transactions_with_assets(), transaction_id, "transaction")
    precondition(row)
    if "on" in changes:  # refused first, before a contradiction with the instant is reported
        check_recorded_sale(row, {"on": changes["on"]})
    changes = changed_moment(row, "occurred_at", changes)
    check_recorded_sale(row, changes)
    if "currency" in changes:
        changes["currency"] = changes["currency"] or row.asset.currency
    changes |= recounted_amount(row, changes, row.asset)
    check_changed_leg(row, changes)
    check_chosen_lots(row.asset, changes, row)
    if changes.get("position", row.position) is None:
        changes["position"] = next_position(row.asset, changes.get("on", row.on))
    with conflict_if_duplicate(Transaction, DUPLICATE, key=external_key(changes, row)):
        save_changes(row, changes)
    change_other_leg(row, changes)
    return row


@atomic_write
def delete_transaction(transaction_id: UUID, *, precondition: Precondition = always) -> None:
    """Of a transfer both legs are deleted."""
    lock_legs(transaction_id)
    row = locked_row(transactions_with_assets(), transaction_id, "transaction", for_delete=True)
    precondition(row)
    if (other := other_leg(row)) is not None:
        other.delete()
    row.delete()


def transactions_with_assets() -> QuerySet[Transaction]:
    return Transaction.objects.select_related("asset__portfolio", "asset__instrument")


TRANSACTIONS = Service(create=add_transaction, update=update_transaction, delete=delete_transaction)


def external_key(values: Mapping[str, Any], row: Transaction | None = None) -> dict[str, Any]:
    """The columns by which a transaction is known to another program; unique within an asset."""
    return {
        "source": values.get("source", getattr(row, "source", "")),
        "external_id": values.get("external_id", getattr(row, "external_id", None)),
    }


def check_new_sale(values: Mapping[str, Any]) -> None:
    """`check_recorded_sale` of a new transaction."""
    validate_recorded_sale(None, RecordedSale._make(map(values.get, RecordedSale._fields)))


def check_recorded_sale(row: Transaction | None, changes: Mapping[str, Any]) -> None:
    """409 for a change of the fields that link a DISPOSE to its disposal. `row` is as stored, None for a new one."""
    stored = None if row is None else RecordedSale._make(getattr(row, name) for name in RecordedSale._fields)
    after = RecordedSale._make(changes.get(name, getattr(row, name, None)) for name in RecordedSale._fields)
    validate_recorded_sale(stored, after)


def amount_of_new(values: Mapping[str, Any], asset: Asset) -> Decimal | None:
    """What `validate_transaction` gives for a new transaction of the asset. Refuses a TRANSFER, which has two legs."""
    new = TransactionValues._make(map(values.get, TransactionValues._fields))
    validate_type(None, new.type)
    return validate_transaction(new, quote_unit=quote_unit_of(asset))


def recounted_amount(row: Transaction | None, changes: Mapping[str, Any], asset: Asset) -> dict[str, Any]:
    """{"amount": ...} if the changes of a transaction also change its amount, else {}. `row` is None for a new one.

    The unit price is in the unit in which the asset's instrument is quoted. An amount that was not their product was
    given by somebody, and stays. Raises ValidationError that names the field if the type does not allow the result.
    """
    stored = TransactionValues._make(getattr(row, name, None) for name in TransactionValues._fields)
    values = stored._replace(**{name: changes[name] for name in stored._fields if name in changes})
    validate_type(getattr(row, "type", None), values.type)
    may_count = "amount" not in changes and None not in (values.quantity, values.unit_price)
    unit = quote_unit_of(asset)
    recount = may_count and is_computed_amount(stored, quote_unit=unit)
    amount = validate_transaction(values._replace(amount=None) if recount else values, quote_unit=unit)
    return {} if amount == values.amount else {"amount": amount}


def quote_unit_of(asset: Asset) -> Fraction:
    """What one unit of its instrument's price is in the currency; 1 without an instrument."""
    return Fraction(1) if asset.instrument is None else quote_unit(asset.instrument.quote_unit)
