"""What a disposal must be, and the DISPOSE that records its proceeds; by their values alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from assets.rules.transactions import refusal
from strata.exceptions import Conflict

DISPOSAL = "strata-disposal"  # the source and the external id of the DISPOSE that a disposal makes


class RecordedSale(NamedTuple):
    """What ties a transaction to the disposal that made it: its day, its type, how it is known."""

    on: date
    occurred_at: datetime
    type: str
    source: str
    external_id: str | None

    @property
    def is_of_a_disposal(self) -> bool:
        return (self.source, self.external_id) == (DISPOSAL, DISPOSAL)


def validate_disposal(
    on: date, *, acquired_on: date | None, first_value_on: date | None, field: str = "on"
) -> None:
    """Refuses a day before it was acquired, or before all of its values: from then on they would count nothing."""
    if acquired_on is not None and on < acquired_on:
        raise refusal(field, f"It lies before {acquired_on}, when it was acquired.")
    if first_value_on is not None and on < first_value_on:
        raise refusal(field, f"It lies before {first_value_on}, the day of its first value.")


def validate_day_of_sale(on: date, sold_on: date | None) -> None:
    """Refuses another day of disposal than that of the DISPOSE which records the proceeds, if there is one."""
    if sold_on is not None and sold_on != on:
        raise refusal(
            "disposed_on", f"It was sold on {sold_on}. Empty this first, and then dispose of it again."
        )


def validate_recorded_sale(stored: RecordedSale | None, after: RecordedSale) -> None:
    """409 for a change of what ties a DISPOSE to its disposal. `stored` is None for a transaction that is new."""
    if stored is None or not stored.is_of_a_disposal:
        if after.is_of_a_disposal:
            raise Conflict("DISPOSAL_IS_FIXED", "Only a disposal has this source and id.", "external_id")
        return
    for name in RecordedSale._fields:
        if getattr(after, name) != getattr(stored, name):
            message = f"It records the disposal of {stored.on}: reinstate the asset first."
            raise Conflict("DISPOSAL_IS_FIXED", message, name)
