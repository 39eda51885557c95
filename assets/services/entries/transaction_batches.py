"""Records many transactions at once: rows in, an outcome for each out.

All portfolios of the rows are locked first, by id, then everything is read and written in sets. Each transaction has
its own entry in the journal; the history of each portfolio has one for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Max

from assets.holdings.events import Ledger
from assets.holdings.reading import read_ledger
from assets.models import Asset, Transaction
from assets.models.querysets import AssetQuerySet
from assets.services.entries.batch_rows import invalid_row, record_batch_of_portfolios, refuse_by_asset
from assets.services.entries.lot_choices import check_chosen_lots
from assets.services.entries.stored_transactions import Key, stored_transactions
from assets.services.entries.transactions import DUPLICATE, amount_of_new, check_new_sale
from strata.audit.clock import written_at
from strata.audit.models import Action
from strata.db.bulk import new_instance
from strata.exceptions import Conflict, NotFound, StrataError
from strata.fields.dates import resolve_instant_and_day
from strata.fields.ids import uuid7
from strata.tenancy.batches import DuplicateRow, OnError, Outcome, Refusals
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parents

type Resolve = Callable[[datetime | None, date | None, str], tuple[datetime, date]]

ALWAYS_COMPARED = ("type", "amount", "quantity", "unit_price", "fee", "tax", "currency", "note", "lots")
COMPARED_IF_SENT = ("occurred_at", "on", "position")
# The columns after the id, who wrote it and when, and the asset; with what they have where a row does not name them.
DEFAULTS = {field.attname: field.get_default() for field in Transaction._meta.concrete_fields[6:]}


class TransactionRow(NamedTuple):
    """`values` are those of `add_transaction`, by its names."""

    asset_id: UUID
    values: Mapping[str, Any]


@dataclass(slots=True)
class RecordedTransaction:
    """What becomes of a row: the transaction as it is afterwards."""

    outcome: Outcome
    transaction: Transaction


@dataclass(slots=True)
class TransactionBatch:
    """What becomes of the rows, by their numbers; the refused ones are in `refusals`."""

    transactions: dict[int, RecordedTransaction]
    refusals: Refusals = field(default_factory=Refusals)

    @property
    def new(self) -> dict[int, Transaction]:
        return {
            number: recorded.transaction
            for number, recorded in self.transactions.items()
            if recorded.outcome is Outcome.CREATED
        }

    def count(self, outcome: Outcome) -> int:
        return sum(recorded.outcome is outcome for recorded in self.transactions.values())


@atomic_write
def add_transactions(
    rows: Mapping[int, TransactionRow],
    *,
    on_error: OnError = OnError.REFUSE,
    refusals: Refusals | None = None,
    precondition: Precondition = always,
) -> TransactionBatch:
    """Record the transactions of the rows, by their numbers; `refusals` are the rows that the caller has refused.

    A row that the asset has already (source and external_id) is skipped where it is equal. `precondition` gets each
    locked asset once. Raises RowsRefused, or AllRowsRefused with `on_error` SKIP. Errors of rows: those of
    `add_transaction`, 404 ASSET_NOT_FOUND, 400 DUPLICATE_ROW, and what the precondition raises.
    """
    assets = locked_parents(Transaction, parents(), {row.asset_id for row in rows.values()})
    batch = planned_batch(rows, assets, on_error=on_error, refusals=refusals, precondition=precondition)
    write_transactions(rows, batch)
    return batch


def parents() -> AssetQuerySet[Asset]:
    """prefetch_related: the assets of a portfolio share one object for it."""
    return Asset.objects.prefetch_related("portfolio", "instrument")


def planned_batch(
    rows: Mapping[int, TransactionRow],
    assets: Mapping[UUID, Asset],
    *,
    on_error: OnError = OnError.REFUSE,
    refusals: Refusals | None = None,
    precondition: Precondition = always,
) -> TransactionBatch:
    """Read and check as `add_transactions` does. `assets` are those of the rows, by their ids."""
    batch = TransactionBatch({}, Refusals() if refusals is None else refusals)
    planned = planned_transactions(rows, assets, batch.refusals)
    refuse_by_asset(rows, assets, precondition, batch.refusals)
    keys = keys_of(planned)
    refuse_same_keys(keys, batch.refusals)
    stored = stored_transactions(set(keys.values()))
    for number, row in planned.items():
        if number in batch.refusals:
            continue
        try:
            known = stored.get(keys[number]) if number in keys else None
            batch.transactions[number] = outcome_of(row, known, rows[number].values)
        except StrataError as error:
            batch.refusals.add(number, error)
    batch.refusals.settle(on_error, any_good=bool(batch.transactions))
    return batch


def write_transactions(rows: Mapping[int, TransactionRow], batch: TransactionBatch) -> None:
    new = batch.new
    if not new:
        return
    place(new, rows, last_positions(new.values()))
    Transaction.objects.bulk_create(new.values())
    assets = [transaction.asset for transaction in new.values()]
    record_batch_of_portfolios(assets, Action.ADD_TRANSACTIONS)


# --- the checks ---


def planned_transactions(
    rows: Mapping[int, TransactionRow], assets: Mapping[UUID, Asset], refusals: Refusals
) -> dict[int, Transaction]:
    """The rows as they would be stored, except for their positions. Refuses those that are not valid by themselves."""
    planned = {}
    resolve = cache(partial(resolve_instant_and_day, now=written_at()))  # many rows have the same day
    selling = {row.asset_id for row in rows.values() if row.values.get("lots")}
    ledger = read_ledger(selling & assets.keys()) if selling else {}
    for number, row in rows.items():
        asset = assets.get(row.asset_id)
        if asset is None:
            refusals.add(number, NotFound("asset", "asset_id"))
            continue
        try:
            planned[number] = planned_transaction(asset, row.values, resolve, ledger)
        except ValidationError as error:
            refusals.add(number, invalid_row(error, moment_field(row.values)))
        except StrataError as error:
            refusals.add(number, error)
    return planned


def planned_transaction(
    asset: Asset, sent: Mapping[str, Any], resolve: Resolve, ledger: Ledger
) -> Transaction:
    at, day = resolve(sent.get("occurred_at"), sent.get("on"), asset.portfolio.time_zone)
    values = {**sent, "occurred_at": at, "on": day, "currency": sent.get("currency") or asset.currency}
    check_new_sale(values)
    values["amount"] = amount_of_new(values, asset)
    check_chosen_lots(asset, values, ledger=ledger)
    return unsaved_row(asset, values)


def unsaved_row(asset: Asset, values: Mapping[str, Any]) -> Transaction:
    signed = values["occurred_at"], values["occurred_at"], None, None  # bulk_create signs it again
    own = map({**DEFAULTS, **values}.__getitem__, DEFAULTS)
    row = new_instance(Transaction, (uuid7(), *signed, asset.pk, *own))
    row._state.fields_cache["asset"] = asset
    return row


def moment_field(values: Mapping[str, Any]) -> str:
    """The field that says when."""
    return "on" if values.get("occurred_at") is None else "occurred_at"


def keys_of(planned: Mapping[int, Transaction]) -> dict[int, Key]:
    """The keys of the rows that another program knows by an id."""
    return {
        number: (row.asset_id, row.source, row.external_id)
        for number, row in planned.items()
        if row.external_id is not None
    }


def refuse_same_keys(keys: Mapping[int, Key], refusals: Refusals) -> None:
    """DUPLICATE_ROW for the later one of two rows that another program knows by the same id."""
    first: dict[Key, int] = {}
    for number, key in keys.items():
        if (earlier := first.setdefault(key, number)) != number:
            refusals.add(number, DuplicateRow(earlier, "external_id"))


def outcome_of(row: Transaction, stored: Transaction | None, sent: Mapping[str, Any]) -> RecordedTransaction:
    if stored is None:
        return RecordedTransaction(Outcome.CREATED, row)
    names = (*ALWAYS_COMPARED, *(name for name in COMPARED_IF_SENT if sent.get(name) is not None))
    if any(getattr(row, name) != getattr(stored, name) for name in names):
        raise Conflict(DUPLICATE.code, DUPLICATE.message, DUPLICATE.field)
    stored.asset = row.asset  # which is locked
    return RecordedTransaction(Outcome.SKIPPED, stored)


# --- the order within a day ---


def place(
    new: Mapping[int, Transaction], rows: Mapping[int, TransactionRow], last: dict[tuple[UUID, date], int]
) -> None:
    """Give rows without a position the next one of their asset's day, in the order of the rows.

    `last` has the last position of each day that has any, and gets those of the rows.
    """
    for number, transaction in sorted(new.items()):
        day = transaction.asset_id, transaction.on
        position = rows[number].values.get("position")
        if position is None:
            position = transaction.position = last.get(day, -1) + 1
        last[day] = max(position, last.get(day, -1))


def last_positions(new: Any) -> dict[tuple[UUID, date], int]:
    """The position of the last stored transaction of each of the days."""
    days = [transaction.on for transaction in new]
    assets = {transaction.asset_id for transaction in new}
    stored = Transaction.objects.filter(asset__pk__among=list(assets), on__range=(min(days), max(days)))
    by_day = stored.order_by().values_list("asset_id", "on").annotate(last=Max("position"))
    return {(asset_id, on): last for asset_id, on, last in by_day}
