"""Saves the entered values as one batch, or says what somebody else changed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction

from assets.models import Asset
from assets.services.entries.snapshots import is_in_state
from assets.services.entries.value_batches import ValueRow, record_values
from reports.update_values.entries import NewValue
from strata.db.retry import run_in_transaction
from strata.exceptions import Stale
from strata.tenancy.batches import IfExists, RowsRefused
from strata.tenancy.roles import require_role


class ChangedMeanwhile(Exception):
    """Nothing is saved: the values of these assets are not as the page showed them."""

    def __init__(self, changed: Sequence[NewValue]) -> None:
        super().__init__("changed meanwhile")
        self.changed = changed


def save_values(values: Sequence[NewValue], on: date, user: Any) -> None:
    """Record all of the values, or none. Each replaces the one that counts on the day.

    Raises ChangedMeanwhile where one is not in the state that was `seen`, and StrataError for what a service refuses.
    """
    rows = {
        number: ValueRow(new.row.id, new.value, on, note=new.note or None, if_match=new.seen)
        for number, new in enumerate(values)
    }

    def write() -> None:
        with transaction.atomic():  # what is refused leaves nothing in the caller's transaction
            record_values(
                rows,
                if_exists=IfExists.REPLACE,
                precondition=lambda asset: require_editor(asset, user),
                matches=is_in_state,
            )

    try:
        run_in_transaction(write)
    except RowsRefused as refused:
        changed = [values[row] for row, error in refused.refusals if isinstance(error, Stale)]
        if not changed:
            raise
        raise ChangedMeanwhile(changed) from None


def require_editor(asset: Asset, user: Any) -> None:
    """The caller may write in the household that the asset is in by now."""
    if not user.is_superuser:
        require_role(user, asset.owning_household_id())
