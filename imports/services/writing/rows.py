"""Rows of an import, written by services of assets; and what the rows say of quantities and balances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from sys import intern
from typing import Any
from uuid import UUID

from assets.services.entries.transaction_batches import TransactionBatch, TransactionRow, add_transactions
from assets.services.entries.value_batches import ValueBatch, ValueRow, record_values
from imports.services.blocks import BlockRow
from imports.services.planning.decisions import columns_of, day_of
from imports.services.planning.known_rows import Written
from strata.tenancy.batches import IfExists


def record_items(items: Sequence[dict[str, Any]], assets: Mapping[str, UUID]) -> ValueBatch:
    """Record the values, and note their ids on the items. `assets` has the ids by the keys of the accounts."""
    batch = record_values(value_rows(items, assets), if_exists=IfExists.REPLACE)
    note_ids(items, batch)
    return batch


def note_ids(items: Iterable[dict[str, Any]], batch: ValueBatch) -> None:
    for number, item in enumerate(items):
        item["id"] = str(batch.values[number].snapshot.id)


def value_rows(items: Iterable[Mapping[str, Any]], assets: Mapping[str, UUID]) -> dict[int, ValueRow]:
    return {number: value_row(item, assets) for number, item in enumerate(items)}


def value_row(item: Mapping[str, Any], assets: Mapping[str, UUID]) -> ValueRow:
    return ValueRow(
        assets[item["account"]], Decimal(item["value"]), on=day_of(item["on"]), note=item.get("note")
    )


def add_bookings(items: Sequence[dict[str, Any]], assets: Mapping[str, UUID]) -> TransactionBatch:
    """The same for new transactions, none of which is a transfer."""
    batch = add_transactions(transaction_rows(items, assets))
    note_ids_of_bookings(items, batch)
    return batch


def note_ids_of_bookings(items: Iterable[dict[str, Any]], batch: TransactionBatch) -> None:
    for number, item in enumerate(items):
        item["id"] = str(batch.transactions[number].transaction.pk)


def transaction_rows(
    items: Iterable[Mapping[str, Any]], assets: Mapping[str, UUID]
) -> dict[int, TransactionRow]:
    return {number: transaction_row(item, assets) for number, item in enumerate(items)}


def transaction_row(item: Mapping[str, Any], assets: Mapping[str, UUID]) -> TransactionRow:
    values = {**columns_of(item), "source": intern(item["source"]), "external_id": item["external_id"]}
    return TransactionRow(assets[item["account"]], values)


def references_by_asset(
    items: Iterable[Mapping[str, Any]], assets: Mapping[str, UUID]
) -> dict[UUID, set[str]]:
    """By which other programs know the transactions."""
    references: dict[str, set[str]] = defaultdict(set)
    for item in items:
        references[item["account"]].add(item["external_id"])
    return {assets[account]: of_account for account, of_account in references.items()}


def days_by_asset(items: Iterable[Mapping[str, Any]], assets: Mapping[str, UUID]) -> dict[UUID, list[int]]:
    """The days of the items, as ordinals."""
    by_account: dict[str, list[int]] = defaultdict(list)
    for item in items:
        by_account[item["account"]].append(day_of(item["on"]).toordinal())
    days: dict[UUID, list[int]] = defaultdict(list)
    for account, ordinals in by_account.items():
        days[assets[account]] += ordinals
    return days


def note_stated(
    record: BlockRow, format_name: str, assets: Mapping[str, UUID], written_of: Callable[[UUID], Written]
) -> None:
    """What the row says is held, and the rank of its balance: later imports must not change that."""
    for account, on, rank in record.get("k", ()):
        if account in assets:
            written_of(assets[account]).rank(format_name, date.fromisoformat(on), rank)
    for account, on, quantity in record.get("h", ()):
        if account in assets:
            written_of(assets[account]).stated[date.fromisoformat(on)] = Decimal(quantity)
