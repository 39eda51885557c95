"""Disposing of an asset, and taking that back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Min

from assets.models import Asset, Transaction
from assets.rules.transactions import refusal
from assets.services.transactions import next_position
from strata.exceptions import Conflict
from strata.fields.dates import noon
from strata.fields.numbers import money_text

DISPOSAL = "strata-disposal"
OF_A_DISPOSAL = {"source": DISPOSAL, "external_id": DISPOSAL}  # the DISPOSE that a disposal makes


def check_disposal(asset: Asset, on: date, *, field: str = "on") -> None:
    """Refuses a day before it was acquired, or before all of its values: from then on they would count nothing."""
    first = asset.snapshots.aggregate(first=Min("on"))["first"]
    if asset.acquired_on is not None and on < asset.acquired_on:
        raise refusal(field, f"It lies before {asset.acquired_on}, when it was acquired.")
    if first is not None and on < first:
        raise refusal(field, f"It lies before {first}, the day of its first value.")


def dispose(asset: Asset, *, on: date, proceeds: Decimal | None) -> None:
    """Set the day from which it counts nothing, and record the proceeds. The same again changes nothing."""
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
    """The DISPOSE that the disposal of the asset made; None where it made none."""
    return asset.transactions.filter(**OF_A_DISPOSAL).first()


def _refuse_another_disposal(asset: Asset, on: date, proceeds: Decimal | None) -> None:
    """409 that says what is recorded, where that is not the day and the proceeds that were sent."""
    sale = proceeds_of(asset)
    same_proceeds = (
        proceeds is None if sale is None else (proceeds, asset.currency) == (sale.amount, sale.currency)
    )
    if on == asset.disposed_on and same_proceeds:
        return
    what = "without proceeds" if sale is None else f"for {money_text(sale.amount)} {sale.currency}"
    message = f"It was disposed of on {asset.disposed_on} {what}: reinstate it first."
    raise Conflict("ALREADY_DISPOSED", message, "on" if on != asset.disposed_on else "proceeds")


def refuse_moved_disposal(row: Transaction | None, attrs: dict[str, Any]) -> None:
    """409 for a change of what ties a DISPOSE to the disposal that made it: its day, its type, how it is known.

    `row` is as it is stored, None where it is new; `attrs` is what it is given.
    """

    def after(name: str) -> Any:
        return attrs.get(name, getattr(row, name, None))

    if row is None or (row.source, row.external_id) != (DISPOSAL, DISPOSAL):
        if (after("source"), after("external_id")) == (DISPOSAL, DISPOSAL):
            raise Conflict("DISPOSAL_IS_FIXED", "Only a disposal has this source and id.", "external_id")
        return
    for name in ("on", "occurred_at", "type", "source", "external_id"):
        if after(name) != getattr(row, name):
            message = f"It records the disposal of {row.on}: reinstate the asset first."
            raise Conflict("DISPOSAL_IS_FIXED", message, name)


def refuse_disposal_apart_from_its_sale(asset: Asset, on: date) -> None:
    """Refuses another day than that of the DISPOSE which records the proceeds."""
    sale = proceeds_of(asset)
    if sale is not None and sale.on != on:
        raise refusal(
            "disposed_on", f"It was sold on {sale.on}. Empty this first, and then dispose of it again."
        )


def reinstate(asset: Asset) -> None:
    """Take a disposal back, with the transaction that it made."""
    if asset.disposed_on is None:
        return
    asset.disposed_on = None
    asset.save()
    asset.transactions.filter(**OF_A_DISPOSAL).delete()
