"""The instant and the day of a row, of which one may be left empty."""

from __future__ import annotations

from django.db import models

from strata.audit.clock import written_at
from strata.fields.dates import resolve_instant_and_day


def settle_moment(row: models.Model, instant: str) -> None:
    """Fills in the instant or the day that was left empty, and refuses two that contradict each other."""
    at, on = getattr(row, instant), row.on
    if not row._state.adding and type(row).objects.filter(pk=row.pk, on=on, **{instant: at}).exists():
        return  # as it is stored: its portfolio may have had another zone then
    if row.asset_id:
        at, on = resolve_instant_and_day(at, on, row.asset.portfolio.time_zone, written_at())
        setattr(row, instant, at)
        row.on = on
