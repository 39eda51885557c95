"""Reads transactions as trades, from the columns as the database has them: models and Decimals would take most of the
time of a report about thousands of transactions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from assets.holdings.events import QUANTITY_PLACES, ChosenLot, Trade, TradeType, quantity_units
from assets.models import Transaction
from assets.rules.entries.disposal import DISPOSAL
from strata.db.params import fetch_rows, parse_id

COLUMNS = (
    "asset_id",
    "id",
    "type",
    "on",
    "occurred_at",
    "position",
    "currency",
    "quantity",
    "amount",
    "fee",
    "tax",
    "lots",
    "transfer_id",
    "source",
    "external_id",
)
TYPES = {kind.value: kind for kind in TradeType}
type OtherAssets = Mapping[
    tuple[UUID, UUID], UUID
]  # by transfer and asset of a leg the asset of the other leg


def trades_of(
    asset_ids: Collection[UUID], others: OtherAssets, without: Collection[UUID] = ()
) -> dict[UUID, list[Trade]]:
    """The transactions of each asset, in their order, but for those `without`."""
    if not asset_ids:
        return {}
    rows = Transaction.objects.filter(asset__pk__among=list(asset_ids))
    in_order = rows.order_by("asset_id", "on", "occurred_at", "position", "id")
    sql, params = in_order.values_list(*COLUMNS).query.get_compiler(connection.alias).as_sql()
    columns = _of_sqlite if connection.vendor == "sqlite" else _of_postgresql
    trades: dict[UUID, list[Trade]] = {}
    days: dict[str, date] = {}
    for stored in fetch_rows(sql, params):
        asset_id, *row = columns(stored, days)
        if row[0] in without:
            continue
        trades.setdefault(asset_id, []).append(_trade(asset_id, row, others))
    return trades


def _trade(asset_id: UUID, row: list[Any], others: OtherAssets) -> Trade:
    pk, kind, on, at, position, currency, quantity, amount, fee, tax, lots, transfer_id, *origin = row
    return Trade(
        pk,
        TYPES[kind],
        on,
        at,
        position,
        currency,
        quantity,
        amount or 0,
        fee,
        tax,
        _chosen_lots(lots) if lots else (),
        origin == [DISPOSAL, DISPOSAL]
        or (quantity is None and pk == transfer_id),  # it is that of the leg out
        transfer_id,
        others.get((transfer_id, asset_id)) if transfer_id else None,
    )


def _of_postgresql(row: tuple[Any, ...], days: dict[str, date]) -> list[Any]:
    """Money is in ten-thousandths already; `lots` are text, as in every query without Django's converters."""
    columns = list(row)
    if row[7] is not None:
        columns[7] = quantity_units(row[7])
    return columns


def _of_sqlite(row: tuple[Any, ...], days: dict[str, date]) -> list[Any]:
    columns = list(row)
    # The id of an asset comes many times, that of a transaction once.
    columns[0], columns[1] = parse_id(row[0]), UUID(int=int(row[1], 16))
    if not isinstance(row[3], date):
        columns[3] = _day(row[3], days)
    at = row[4] if isinstance(row[4], datetime) else datetime.fromisoformat(row[4])
    columns[4] = at.replace(tzinfo=UTC)
    if row[7] is not None:
        columns[7] = units_of_text(row[7])
    if row[12] is not None:
        columns[12] = parse_id(row[12])
    return columns


def _day(text: str, days: dict[str, date]) -> date:
    day = days.get(text)
    if day is None:
        day = days[text] = date.fromisoformat(text)
    return day


def units_of_text(text: str) -> int:
    """A quantity in plain digits as whole 10^-18 units."""
    whole, _, fraction = text.partition(".")
    return int(f"{whole}{fraction:0<{QUANTITY_PLACES}}")


def _chosen_lots(stored: Any) -> tuple[ChosenLot, ...]:
    lots: Iterable[Mapping[str, str]] = json.loads(stored) if isinstance(stored, str) else stored
    return tuple(
        ChosenLot(UUID(lot["transaction_id"]), quantity_units(Decimal(lot["quantity"]))) for lot in lots
    )
