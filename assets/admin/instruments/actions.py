"""The corporate actions of an instrument, on its page in the admin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from assets.holdings.actions import values_of
from assets.models import Instrument, InstrumentAction
from assets.rules.instruments.actions import validate_action
from assets.services.instrument_actions import (
    ACTIONS,
    add_action,
    check_target,
    require_references,
    update_action,
)
from strata.admin.accounts.households import HouseholdInline
from strata.admin.forms import StaleCheckedForm
from strata.tenancy.writes import Service


def add_to_instrument(instrument_id: UUID, **values: Any) -> InstrumentAction:
    """An action of the household of the instrument; of all holders where all share it."""
    owner = Instrument.objects.filter(pk=instrument_id).values_list("household_id", flat=True).first()
    return add_action(owner, instrument_id=instrument_id, **values)


class ActionForm(StaleCheckedForm):
    def check_row(self, row: Any) -> None:
        row.household = row.instrument.household
        if row.type and row.on:  # else the form says so
            require_references(row)
            validate_action(values_of(row))
            check_target(row)


class ActionInline(HouseholdInline):
    """Those of the household of the instrument, and those of all. One below the other: they have too many columns for a
    row on paper.
    """

    template = "admin/edit_inline/stacked.html"
    model = InstrumentAction
    form = ActionForm
    fk_name = "instrument"
    service = Service(create=add_to_instrument, update=update_action, delete=ACTIONS.delete)
    fields = (
        "type",
        "on",
        "numerator",
        "denominator",
        "to_instrument",
        "cost_ratio",
        "cash",
        "cash_cost_ratio",
        "amount",
        "symbol",
        "isin",
    )
