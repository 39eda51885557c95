"""Disposes of an asset, and undoes that (reinstate)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Min

from assets.models import Asset, Transaction
from assets.rules.disposal import DISPOSAL, RecordedSale, validate_disposal, validate_recorded_sale
from assets.services.transactions import next_position
from strata.exceptions import Conflict
from strata.fields.dates import noon
from strata.fields.numbers import money_text

OF_A_DISPOSAL = {"source": DISPOSAL, "external_id": DISPOSAL}  # selects the DISPOSE that a disposal recorded


def check_disposal(asset: Asset, on: date, *, field: str = "on") -> None:
    """Refuses a day before the acquisition or before the first value."""
    first = asset.snapshots.aggregate(first=Min("on"))["first"]
    validate_disposal(on, acquired_on=asset.acquired_on, first_value_on=first, field=field)


def dispose(asset: Asset, *, on: date, proceeds: Decimal | None) -> None:
    """Set the day from which the asset counts nothing, and record the proceeds. The same again changes nothing."""
    if asset.disposed_on is not None:
        _refuse_another_disposal(asset, on, proceeds)
        return
    check_disposal(asset, on)
    asset.disposed_on = on
    asset.save()
    if proceeds is not None:
        Transaction.objects.create(
            asset=asset,
            type=Transaction.Type.DISPOSE,
            amount=proceeds,
            quantity=asset.quantity if asset.quantity is None or asset.quantity >= 0 else None,
            currency=asset.currency,
            occurred_at=noon(on, asset.portfolio.time_zone),
            on=on,
            position=next_position(asset, on),
            source=DISPOSAL,
            external_id=DISPOSAL,
        )


def proceeds_of(asset: Asset) -> Transaction | None:
    """The DISPOSE that the disposal of the asset recorded; None if it recorded none."""
    return asset.transactions.filter(**OF_A_DISPOSAL).first()


def _refuse_another_disposal(asset: Asset, on: date, proceeds: Decimal | None) -> None:
    """409 that says what is recorded, unless it is the same day and the same proceeds."""
    sale = proceeds_of(asset)
    same_proceeds = (
        proceeds is None if sale is None else (proceeds, asset.currency) == (sale.amount, sale.currency)
    )
    if on == asset.disposed_on and same_proceeds:
        return
    what = (
        "without proceeds"
        if sale is None or sale.amount is None
        else f"for {money_text(sale.amount)} {sale.currency}"
    )
    message = f"It was disposed of on {asset.disposed_on} {what}: reinstate it first."
    raise Conflict("ALREADY_DISPOSED", message, "on" if on != asset.disposed_on else "proceeds")


def check_recorded_sale(row: Transaction | None, changes: dict[str, Any]) -> None:
    """409 for a change of the fields that link a DISPOSE to its disposal. `row` is as stored, None for a new one."""
    stored = None if row is None else RecordedSale._make(getattr(row, name) for name in RecordedSale._fields)
    after = RecordedSale._make(changes.get(name, getattr(row, name, None)) for name in RecordedSale._fields)
    validate_recorded_sale(stored, after)


def reinstate(asset: Asset) -> None:
    """Undo a disposal, and delete the transaction that it recorded."""
    if asset.disposed_on is None:
        return
    asset.disposed_on = None
    asset.save()
    asset.transactions.filter(**OF_A_DISPOSAL).delete()
