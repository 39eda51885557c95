"""Records many values at once: rows in, an outcome for each out.

All portfolios of the rows are locked first, by id, then everything is read and written in sets. Each value has its own
entry in the journal; the history of each portfolio has one for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError

from assets.models import Asset, AssetSnapshot
from assets.models.querysets import AssetQuerySet
from assets.services.entries.batch_rows import invalid_row, record_batch_of_portfolios, refuse_by_asset
from assets.services.entries.stored_values import Moment, Stored, key_of, stored_values
from portfolios.models import Portfolio
from strata.audit.clock import written_at
from strata.audit.models import Action
from strata.db.bulk import new_instance
from strata.exceptions import Conflict, NotFound, Stale, StrataError
from strata.fields.dates import local_day, resolve_instant_and_day
from strata.fields.ids import uuid7
from strata.tenancy.batches import DuplicateRow, IfExists, OnError, Outcome, Refusals
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parents

type Matches = Callable[[str, AssetSnapshot | None], bool]


class ValueRow(NamedTuple):
    """A value of the whole asset, in its currency; negative for what is owed.

    A day alone means its last value, or noon where it has none; without a moment it is today. `note` None keeps the
    note of a value that is replaced. `if_match` is the version that the caller has read of the value that counts on the
    day, "" for none; None asks for no check.
    """

    asset_id: UUID
    value: Decimal
    on: date | None = None
    observed_at: datetime | None = None
    note: str | None = None
    if_match: str | None = None

    @property
    def moment_field(self) -> str:
        """The field that says when."""
        return "on" if self.observed_at is None else "observed_at"


@dataclass(slots=True)
class RecordedValue:
    """What becomes of a row: the value as it is afterwards. `is_changed` is False for one that was the same before."""

    outcome: Outcome
    snapshot: AssetSnapshot
    is_changed: bool = True


@dataclass(slots=True)
class ValueBatch:
    """What becomes of the rows, by their numbers; the refused ones are in `refusals`."""

    values: dict[int, RecordedValue]
    refusals: Refusals = field(default_factory=Refusals)

    def count(self, outcome: Outcome) -> int:
        return sum(value.outcome is outcome for value in self.values.values())

    @property
    def last_days(self) -> dict[Portfolio, date]:
        """For each portfolio of the rows the last day that they name in it."""
        days: dict[Portfolio, date] = {}
        for value in self.values.values():
            portfolio, on = value.snapshot.asset.portfolio, value.snapshot.on
            days[portfolio] = max(on, days.get(portfolio, on))
        return days


def no_versions(version: str, snapshot: AssetSnapshot | None) -> bool:
    raise NotImplementedError("Rows with if_match need `matches`.")


@atomic_write
def record_values(
    rows: Mapping[int, ValueRow],
    *,
    if_exists: IfExists = IfExists.REFUSE,
    on_error: OnError = OnError.REFUSE,
    refusals: Refusals | None = None,
    precondition: Precondition = always,
    matches: Matches = no_versions,
) -> ValueBatch:
    """Record the values of the rows, by their numbers; `refusals` are the rows that the caller has refused.

    `precondition` gets each locked asset once; `matches` compares a row's `if_match` with the value that counts on its
    day. Raises RowsRefused, or AllRowsRefused with `on_error` SKIP. Errors of rows: 404 ASSET_NOT_FOUND, 400 for a
    moment that contradicts itself, 400 DUPLICATE_ROW, what the precondition raises, 412 PRECONDITION_FAILED, and
    409 DUPLICATE_SNAPSHOT where a value exists and `if_exists` is REFUSE.
    """
    batch = plan_values(
        rows,
        if_exists=if_exists,
        on_error=on_error,
        refusals=refusals,
        precondition=precondition,
        matches=matches,
    )
    write_batch(batch)
    return batch


def plan_values(
    rows: Mapping[int, ValueRow],
    *,
    if_exists: IfExists = IfExists.REFUSE,
    on_error: OnError = OnError.REFUSE,
    refusals: Refusals | None = None,
    precondition: Precondition = always,
    matches: Matches = no_versions,
) -> ValueBatch:
    """Lock, read and check as `record_values` does, and write nothing yet. In the transaction of `write_batch`."""
    assets = locked_parents(AssetSnapshot, parents(), {row.asset_id for row in rows.values()})
    return planned_batch(
        rows,
        assets,
        if_exists=if_exists,
        on_error=on_error,
        refusals=refusals,
        precondition=precondition,
        matches=matches,
    )


def parents() -> AssetQuerySet[Asset]:
    """prefetch_related: the assets of a portfolio share one object for it."""
    return Asset.objects.prefetch_related("portfolio")


def planned_batch(
    rows: Mapping[int, ValueRow],
    assets: Mapping[UUID, Asset],
    *,
    if_exists: IfExists = IfExists.REFUSE,
    on_error: OnError = OnError.REFUSE,
    refusals: Refusals | None = None,
    precondition: Precondition = always,
    matches: Matches = no_versions,
) -> ValueBatch:
    """Read and check as `record_values` does. `assets` are those of the rows, by their ids."""
    batch = ValueBatch({}, Refusals() if refusals is None else refusals)
    moments = moments_of(rows, assets, batch.refusals)
    refuse_by_asset(rows, assets, precondition, batch.refusals)
    stored = dict(zip(moments, stored_values(list(moments.values())), strict=True))
    refuse_same_keys(rows, moments, stored, batch.refusals)
    for number, moment in moments.items():
        if number in batch.refusals:
            continue
        try:
            batch.values[number] = planned(rows[number], moment, stored[number], if_exists, matches)
        except StrataError as error:
            batch.refusals.add(number, error)
    batch.refusals.settle(on_error, any_good=bool(batch.values))
    return batch


def write_batch(batch: ValueBatch) -> None:
    """Write what was planned: the new values, those that are replaced, and the entry of each portfolio."""
    written = [value for value in batch.values.values() if value.is_changed]
    new = [value.snapshot for value in written if value.outcome is Outcome.CREATED]
    replaced = [value.snapshot for value in written if value.outcome is Outcome.REPLACED]
    if new:
        AssetSnapshot.objects.bulk_create(new)
    if replaced:
        AssetSnapshot.objects.update_each(replaced, ["value", "note"])
    assets = [snapshot.asset for snapshot in (*new, *replaced)]
    record_batch_of_portfolios(assets, Action.UPDATE_VALUES)


# --- the checks ---


def moments_of(
    rows: Mapping[int, ValueRow], assets: Mapping[UUID, Asset], refusals: Refusals
) -> dict[int, Moment]:
    """Where each row puts its value. Refuses rows of assets that do not exist, and moments with a contradiction."""
    moments, now = {}, written_at()
    resolve = cache(partial(instant_and_day, now=now))  # many rows have the same day
    for number, row in rows.items():
        asset = assets.get(row.asset_id)
        if asset is None:
            refusals.add(number, NotFound("asset", "asset_id"))
            continue
        try:
            at, day = resolve(row.observed_at, row.on, asset.portfolio.time_zone)
        except ValidationError as error:
            refusals.add(number, invalid_row(error, row.moment_field))
        else:
            moments[number] = Moment(asset, day, at)
    return moments


def instant_and_day(
    observed_at: datetime | None, on: date | None, zone: str, *, now: datetime
) -> tuple[datetime, date]:
    if on is None and observed_at is None:
        on = local_day(now, zone)
    return resolve_instant_and_day(observed_at, on, zone, now)


def refuse_same_keys(
    rows: Mapping[int, ValueRow],
    moments: Mapping[int, Moment],
    stored: Mapping[int, Stored],
    refusals: Refusals,
) -> None:
    """DUPLICATE_ROW for the later one of two rows that would write the same value."""
    first: dict[tuple[UUID, date, datetime], int] = {}
    for number, moment in moments.items():
        key = key_of(moment, target_of(rows[number], stored[number]))
        if (earlier := first.setdefault(key, number)) != number:
            refusals.add(number, DuplicateRow(earlier, rows[number].moment_field))


def target_of(row: ValueRow, stored: Stored) -> AssetSnapshot | None:
    """The stored value that the row is about: of its instant where it names one, else the last one of its day."""
    return stored.of_day if row.observed_at is None else stored.of_instant


def planned(
    row: ValueRow, moment: Moment, stored: Stored, if_exists: IfExists, matches: Matches
) -> RecordedValue:
    if row.if_match is not None and not matches(row.if_match, stored.of_day):
        raise Stale("if_match")
    snapshot = target_of(row, stored)
    if snapshot is None:
        return RecordedValue(Outcome.CREATED, new_value(row, moment))
    if if_exists is IfExists.REFUSE:
        message = f"The asset has a value then, with the id {snapshot.pk}: replace or change that one."
        raise Conflict("DUPLICATE_SNAPSHOT", message, row.moment_field)
    if if_exists is IfExists.SKIP:
        return RecordedValue(Outcome.SKIPPED, snapshot, is_changed=False)
    note = snapshot.note if row.note is None else row.note
    is_changed = (snapshot.value, snapshot.note) != (row.value, note)
    snapshot.value, snapshot.note = row.value, note
    return RecordedValue(Outcome.REPLACED, snapshot, is_changed=is_changed)


def new_value(row: ValueRow, moment: Moment) -> AssetSnapshot:
    asset, on, at = moment
    signed = at, at, None, None  # bulk_create signs it again
    snapshot = new_instance(AssetSnapshot, (uuid7(), *signed, asset.id, row.value, at, on, row.note or ""))
    snapshot._state.fields_cache["asset"] = asset
    return snapshot
