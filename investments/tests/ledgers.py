"""Writes ledgers for tests in a few words: quantities and amounts as numbers, days as offsets or ISO dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any
from uuid import UUID

from assets.holdings.events import (
    QUANTITY_UNIT,
    Action,
    ActionType,
    AssetEvents,
    ChosenLot,
    Event,
    Ledger,
    Trade,
    TradeType,
    event_order,
)
from investments.calculations.lot_results import AssetLots
from investments.calculations.lots import lots

A, B, C = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2024, 1, 1)
ids = (UUID(int=number) for number in count(1000))


def day(on: int | str) -> date:
    return DAY + timedelta(days=on) if isinstance(on, int) else date.fromisoformat(on)


def units(quantity: Any) -> int:
    return int(Fraction(str(quantity)) * QUANTITY_UNIT)


def cents(amount: Any) -> int:
    """Money in ten-thousandths."""
    return int(Fraction(str(amount)) * 10_000)


def trade(kind: str, on: int | str, quantity: Any = None, amount: Any = 0, **values: Any) -> Trade:
    at = datetime.combine(day(on), datetime.min.time(), UTC) + timedelta(hours=12)
    for name in ("fee", "tax"):
        values[name] = cents(values.get(name, 0))
    values["lots"] = tuple(ChosenLot(lot, units(part)) for lot, part in values.get("lots", ()))
    return Trade(
        values.pop("pk", None) or next(ids),
        TradeType(kind),
        day(on),
        at,
        values.pop("position", 0),
        values.pop("currency", "EUR"),
        None if quantity is None else units(quantity),
        cents(amount),
        **values,
    )


def buy(on: int | str, quantity: Any = None, amount: Any = 0, **values: Any) -> Trade:
    return trade("ACQUIRE", on, quantity, amount, **values)


def sell(on: int | str, quantity: Any = None, amount: Any = 0, **values: Any) -> Trade:
    return trade("DISPOSE", on, quantity, amount, **values)


def action(kind: str, on: int | str, numerator: int = 1, denominator: int = 1, **values: Any) -> Action:
    for name in ("cost_ratio", "cash"):
        values[name] = Fraction(values.get(name, 0))
    return Action(next(ids), ActionType(kind), day(on), numerator, denominator, **values)


def transfer(on: int | str, quantity: Any, source: UUID, target: UUID, **values: Any) -> tuple[Trade, Trade]:
    pk = next(ids)
    leaving = trade("TRANSFER", on, -quantity, transfer_id=pk, other_asset_id=target, **values)
    return leaving, trade("TRANSFER", on, quantity, transfer_id=pk, other_asset_id=source)


def ledger(events: dict[UUID, list[Event]], **values: Any) -> Ledger:
    currency = values.pop("currency", "EUR")
    return {
        pk: AssetEvents(pk, currency, sorted(of_asset, key=event_order), **values)
        for pk, of_asset in events.items()
    }


def lots_of(*events: Event, **values: Any) -> AssetLots:
    """The lots of one asset. `on`, `method`, `currency` and `rate_on` are those of the calculation."""
    names = ("on", "method", "rate_on")
    options = {name: values.pop(name) for name in names if name in values}
    if "reporting" in values:
        options["currency"] = values.pop("reporting")
    return lots(ledger({A: list(events)}, **values), **options)[A]


def number(quantity: int | Fraction) -> Fraction:
    return Fraction(quantity) / QUANTITY_UNIT


def money(amount: int) -> Decimal:
    return Decimal(amount) / 10_000


def realised(result: AssetLots) -> Decimal:
    return money(sum(lot.proceeds - lot.cost for lot in result.closed))


def cost(result: AssetLots) -> Decimal:
    return money(result.cost)
