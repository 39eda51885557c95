"""The instant and the day of a value or a transaction, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assets.models import AssetSnapshot, Transaction
from strata.audit.clock import written_at
from strata.fields.dates import resolve_instant_and_day


def changed_moment(
    row: AssetSnapshot | Transaction, instant: str, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The changes, with the instant and the day completed from each other. `instant` names the field of the instant.

    None for one of them completes it from the other, and None for both means now. Stored ones that are sent again stay:
    their portfolio may have had another time zone when they were stored. Raises ValidationError where the two
    contradict each other.
    """
    stored = {instant: getattr(row, instant), "on": row.on}
    sent = {name: changes[name] for name in stored if name in changes}
    given = {name: value for name, value in sent.items() if value is not None}
    if not sent or given == {name: stored[name] for name in sent}:
        return dict(changes)
    if not given and len(sent) == 1:
        given = {name: value for name, value in stored.items() if name not in sent}
    zone = row.asset.portfolio.time_zone
    at, on = resolve_instant_and_day(given.get(instant), given.get("on"), zone, written_at())
    return {**changes, instant: at, "on": on}
