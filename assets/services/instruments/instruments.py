"""Writes instruments: a household's own, and those that all households share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.models import Instrument
from assets.rules.instruments import instruments as rules
from assets.services.normal_values import normalised
from portfolios.models import Household
from strata.audit import deletions
from strata.exceptions import Conflict, Invalid, NotFound
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

CURRENCY_IN_USE = Conflict("CURRENCY_IN_USE", _("There are assets of it in its currency."), "currency")
CHECKS: Mapping[str, Callable[[str], str]] = {
    "isin": rules.validate_isin,
    "cusip": rules.validate_cusip,
    "sedol": rules.validate_sedol,
    "mic": rules.validate_mic,
    "quote_unit": rules.validate_quote_unit,
}


def require_instrument(instrument_id: UUID | None, household_id: UUID, currency: str) -> None:
    """404 for an instrument that is neither shared nor of this household; 400 for one in another currency."""
    if instrument_id is None:
        return
    rows = Instrument.objects.filter(pk=instrument_id).values_list("household_id", "currency")
    owner, its_currency = rows.first() or (instrument_id, "")
    if owner not in (None, household_id):
        raise NotFound("instrument", "instrument_id")
    if its_currency != currency:
        message = gettext("Its prices are in %(instrument)s, and the asset is in %(asset)s.")
        raise Invalid("instrument_id", message % {"instrument": its_currency, "asset": currency})


@atomic_write
def create_instrument(
    household_id: UUID | None, *, precondition: Precondition = always, **values: Any
) -> Instrument:
    """An instrument of the household's own; with None one that all share."""
    household = None
    if household_id is not None:
        household = locked_parent(Instrument, Household.objects.all(), household_id, "household")
        precondition(household)
    return Instrument.objects.create(household=household, **normalised(values, CHECKS))


@atomic_write
def update_instrument(
    instrument_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> Instrument:
    """409 CURRENCY_IN_USE for another currency where assets have the instrument: they are in its currency."""
    instrument = locked_row(Instrument.objects.all(), instrument_id, "instrument")
    precondition(instrument)
    is_other = changes.get("currency", instrument.currency) != instrument.currency
    if is_other and deletions.without_hidden(instrument.assets.all()).exists():
        raise Conflict(CURRENCY_IN_USE.code, CURRENCY_IN_USE.message, CURRENCY_IN_USE.field)
    save_changes(instrument, normalised(changes, CHECKS))
    return instrument


def delete_instrument(instrument_id: UUID, *, precondition: Precondition = always) -> None:
    delete_row(Instrument.objects.all(), instrument_id, "instrument", precondition, delete=deletions.delete)


INSTRUMENTS = Service(create=create_instrument, update=update_instrument, delete=delete_instrument)
