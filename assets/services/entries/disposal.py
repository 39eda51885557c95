"""Disposes of an asset, and undoes that (reinstate)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext

from assets.holdings.events import QUANTITY_PLACES
from assets.holdings.reading import quantities_of
from assets.models import Asset, Transaction
from assets.models.transaction import OF_UNITS
from assets.rules.entries.disposal import DISPOSAL, validate_disposal
from assets.services.entries.transactions import new_transaction
from assets.valuation import value_days
from strata.exceptions import Conflict
from strata.fields.active_formats import day_text
from strata.fields.dates import local_day, noon
from strata.fields.numbers import EXACT, money_text
from strata.tenancy.writes import Precondition, always, atomic_write, locked_row, save_changes

OF_A_DISPOSAL = {"source": DISPOSAL, "external_id": DISPOSAL}  # selects the DISPOSE that a disposal recorded


@atomic_write
def dispose(
    asset_id: UUID,
    *,
    on: date | None = None,
    proceeds: Decimal | None = None,
    precondition: Precondition = always,
) -> Asset:
    """Set the day from which the asset counts nothing (today if None), and record the proceeds as one DISPOSE.

    The same again changes nothing; another day or other proceeds are 409 ALREADY_DISPOSED. 400 for a day before the
    acquisition or before the first value.
    """
    asset = locked_asset(asset_id)
    precondition(asset)
    on = on or local_day(timezone.now(), asset.portfolio.time_zone)
    if asset.disposed_on is not None:
        _refuse_another_disposal(asset, on, proceeds)
        return asset
    validate_disposal(on, acquired_on=asset.acquired_on, first_value_on=first_value_on(asset))
    save_changes(asset, {"disposed_on": on})
    if proceeds is not None:
        new_transaction(
            asset,
            on,
            type=Transaction.Type.DISPOSE,
            amount=proceeds,
            quantity=quantity_held(asset, on),
            currency=asset.currency,
            occurred_at=noon(on, asset.portfolio.time_zone),
            source=DISPOSAL,
            external_id=DISPOSAL,
        )
    return asset


@atomic_write
def reinstate(asset_id: UUID, *, precondition: Precondition = always) -> Asset:
    """Undo a disposal, and delete the transaction that it recorded."""
    asset = locked_asset(asset_id)
    precondition(asset)
    if asset.disposed_on is not None:
        save_changes(asset, {"disposed_on": None})
        delete_recorded_sale(asset)
    return asset


def locked_asset(asset_id: UUID) -> Asset:
    return locked_row(Asset.objects.select_related("portfolio"), asset_id, "asset")


def first_value_on(asset: Asset) -> date | None:
    days = value_days({asset.pk: asset.valuation}).get(asset.pk)
    return days.first if days else None


def quantity_held(asset: Asset, on: date) -> Decimal | None:
    """How much a disposal sells: all that is held. None where that is no decimal number, or no transaction has a
    quantity: the sale of a disposal without one is of all that is held, and Asset.quantity counts only as long as no
    transaction has any.
    """
    if not asset.transactions.filter(OF_UNITS).exists():
        return None
    units = quantities_of([asset.pk])[asset.pk].on(on)
    return Decimal(units).scaleb(-QUANTITY_PLACES, EXACT) if isinstance(units, int) and units > 0 else None


def delete_recorded_sale(asset: Asset) -> None:
    """Delete the DISPOSE that the disposal recorded, of an asset that the caller has locked."""
    asset.transactions.filter(**OF_A_DISPOSAL).delete()


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
        gettext("without proceeds")
        if sale is None or sale.amount is None
        else gettext("for %(amount)s") % {"amount": f"{money_text(sale.amount)} {sale.currency}"}
    )
    message = gettext("It was disposed of on %(day)s %(what)s: reinstate it first.")
    words = {"day": day_text(asset.disposed_on) if asset.disposed_on else "", "what": what}
    raise Conflict("ALREADY_DISPOSED", message % words, "on" if on != asset.disposed_on else "proceeds")
