"""Reads transactions as trades, from the columns as the database has them: models and Decimals would take most of the
time of a report about thousands of transactions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, Func, TextField, When

from assets.holdings.events import QUANTITY_PLACES, ChosenLot, Trade, TradeType, quantity_units
from assets.models import Transaction
from assets.rules.entries.disposal import DISPOSAL
from strata.db.params import Days, fetch_rows, id_of_hex, parse_id

AS_TEXT = {"sqlite": "(%(expressions)s || '')", "postgresql": "%(expressions)s"}
IN_UTC = {"sqlite": "(%(expressions)s || '+00:00')", "postgresql": "%(expressions)s"}
MONEY = ("amount", "fee", "tax")
REST = ("lots", "transfer_id", "is_disposal")
COLUMNS = (
    *("asset_id", "id", "type", "stored_day", "stored_instant"),
    *("position", "currency", "quantity", *MONEY, *REST),
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
    # With the columns' own types Django would parse each day and each instant.
    as_stored = in_order.annotate(
        stored_day=Func(F("on"), template=AS_TEXT[connection.vendor], output_field=TextField()),
        stored_instant=Func(F("occurred_at"), template=IN_UTC[connection.vendor], output_field=TextField()),
        is_disposal=Case(When(source=DISPOSAL, external_id=DISPOSAL, then=True), default=False),
    )
    sql, params = as_stored.values_list(*COLUMNS).query.get_compiler(connection.alias).as_sql()
    trade_of = _reader(others)
    trades: dict[UUID, list[Trade]] = {}
    asset_id, stored_id, of_asset = None, None, list[Trade]()
    for stored in fetch_rows(sql, params):
        if asset_id is None or stored[0] != stored_id:
            stored_id, asset_id = stored[0], parse_id(stored[0])
            of_asset = trades.setdefault(asset_id, [])
        trade = trade_of(asset_id, stored)
        if not without or trade.transaction_id not in without:
            of_asset.append(trade)
    return trades


def _reader(others: OtherAssets) -> Callable[[UUID, tuple[Any, ...]], Trade]:
    """The function that makes a trade of a row. Money is in ten-thousandths already, and `lots` are text."""
    is_lite, days = connection.vendor == "sqlite", Days()
    units_of = units_of_text if is_lite else quantity_units
    id_of: Callable[[Any], UUID] = id_of_hex if is_lite else parse_id

    def trade_of(asset_id: UUID, row: tuple[Any, ...]) -> Trade:
        (
            _,
            stored_id,
            kind,
            day,
            at,
            position,
            currency,
            quantity,
            amount,
            fee,
            tax,
            lots,
            moved_by,
            closes,
        ) = row
        pk = id_of(stored_id)  # the id of an asset comes many times, that of a transaction once
        transfer_id = None if moved_by is None else parse_id(moved_by)
        return new_trade(
            (
                pk,
                TYPES[kind],
                days[day],
                datetime.fromisoformat(at) if is_lite else at,
                position,
                currency,
                None if quantity is None else units_of(quantity),
                amount or 0,
                fee,
                tax,
                chosen_lots(lots) if lots else (),
                bool(closes) or (quantity is None and pk == transfer_id),  # it is that of the leg out
                transfer_id,
                others.get((transfer_id, asset_id)) if transfer_id else None,
            )
        )

    return trade_of


# The class itself is called through a function in Python, which takes twice as long.
new_trade: Callable[[tuple[Any, ...]], Trade] = partial(tuple.__new__, Trade)


def units_of_text(text: str) -> int:
    """A quantity in plain digits as whole 10^-18 units."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction) * POWERS[QUANTITY_PLACES - len(fraction)]


POWERS: list[int] = [10**places for places in range(QUANTITY_PLACES + 1)]


def chosen_lots(stored: Any) -> tuple[ChosenLot, ...]:
    lots: Iterable[Mapping[str, str]] = json.loads(stored) if isinstance(stored, str) else stored
    return tuple(
        ChosenLot(UUID(lot["transaction_id"]), quantity_units(Decimal(lot["quantity"]))) for lot in lots
    )
