"""The rules of a disposal and of the DISPOSE that records its proceeds. They take values, not rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from django.utils.translation import gettext

from assets.rules.refusal import refusal
from strata.exceptions import Conflict
from strata.fields.active_formats import day_text

DISPOSAL = "strata-disposal"  # the source and the external id of the DISPOSE that a disposal records


class RecordedSale(NamedTuple):
    """The fields that link a DISPOSE to its disposal: they may not be changed."""

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
    """Refuses a day before the acquisition, or before the first value: no value would count then."""
    if acquired_on is not None and on < acquired_on:
        message = gettext("It lies before %(day)s, when it was acquired.")
        raise refusal(field, message % {"day": day_text(acquired_on)})
    if first_value_on is not None and on < first_value_on:
        message = gettext("It lies before %(day)s, the day of its first value.")
        raise refusal(field, message % {"day": day_text(first_value_on)})


def validate_acquisition(acquired_on: date | None, *, disposed_on: date | None) -> None:
    """Refuses a day of acquisition after the disposal."""
    if acquired_on is not None and disposed_on is not None and acquired_on > disposed_on:
        message = gettext("It lies after %(day)s, when it was disposed of.")
        raise refusal("acquired_on", message % {"day": day_text(disposed_on)})


def validate_day_of_sale(on: date, sold_on: date | None) -> None:
    """Refuses a day of disposal that differs from the day of the recorded sale (`sold_on`, None without one)."""
    if sold_on is not None and sold_on != on:
        message = gettext("It was sold on %(day)s. Empty this first, and then dispose of it again.")
        raise refusal("disposed_on", message % {"day": day_text(sold_on)})


def validate_recorded_sale(stored: RecordedSale | None, after: RecordedSale) -> None:
    """409 for a change of the fields that link a DISPOSE to its disposal. `stored` is None for a new transaction."""
    if stored is None or not stored.is_of_a_disposal:
        if after.is_of_a_disposal:
            message = gettext("Only a disposal has this source and id.")
            raise Conflict("DISPOSAL_IS_FIXED", message, "external_id")
        return
    for name in RecordedSale._fields:
        if getattr(after, name) != getattr(stored, name):
            message = gettext("It records the disposal of %(day)s: reinstate the asset first.")
            raise Conflict("DISPOSAL_IS_FIXED", message % {"day": day_text(stored.on)}, name)
