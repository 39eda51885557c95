"""Reads what happened to the holdings of assets from their rows: the ledger for which quantities and lots are computed.

The number of queries is fixed. Under known_at the rows are as they were known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from assets.holdings.actions import Holder, actions_of, event_of, receiving_asset
from assets.holdings.events import Action, AssetEvents, Event, Ledger, Trade, event_order, quantity_units
from assets.holdings.quantities import Quantities, quantities
from assets.holdings.trade_rows import OtherAssets, trades_of
from assets.models import Asset, InstrumentAction, Transaction
from assets.models.transaction import OF_UNITS
from portfolios.lot_method import LotMethod

FIRST_DAY = date.min


class AssetTerms(NamedTuple):
    """The columns of an asset that decide how its events are read."""

    asset_id: UUID
    portfolio_id: UUID
    household_id: UUID
    currency: str
    quantity: Decimal | None
    acquired_on: date | None
    instrument_id: UUID | None
    own_method: str | None
    portfolio_method: str | None
    household_method: str | None
    allow_short: bool

    @property
    def method(self) -> LotMethod:
        return LotMethod(self.own_method or self.portfolio_method or self.household_method or "fifo")


TERM_COLUMNS = (
    "pk",
    "portfolio_id",
    "portfolio__household_id",
    "currency",
    "quantity",
    "acquired_on",
    "instrument_id",
    "lot_method",
    "portfolio__lot_method",
    "portfolio__household__lot_method",
    "portfolio__allow_short",
)


def read_ledger(
    asset_ids: Collection[UUID],
    *,
    method: LotMethod | None = None,
    first_prices: Mapping[UUID, date] | None = None,
    without: Collection[UUID] = (),
) -> Ledger:
    """The events of the assets, and of all that transfers and actions link to them, however indirectly.

    `method` applies as if every asset had it. `first_prices` has the day of each instrument's first price: from it on
    an asset without transactions and without `acquired_on` has its quantity. `without` are the ids of transactions,
    actions and assets that are left out, as if they did not exist.
    """
    households = Asset.objects.filter(pk__among=list(asset_ids)).order_by()
    household_ids = set(households.values_list("portfolio__household_id", flat=True))
    transfers = transfer_legs(household_ids, without)
    actions = actions_in(household_ids, without)
    linked = with_linked(set(asset_ids), transfers, actions)
    trades = trades_of(linked, other_assets(transfers), without)
    return {
        terms.asset_id: asset_events(
            terms, trades.get(terms.asset_id, []), actions, method, first_prices or {}
        )
        for terms in terms_of(linked)
    }


def linked_assets(asset_ids: Collection[UUID], household_ids: Collection[UUID]) -> set[UUID]:
    """The assets of the households, with all that transfers and actions link to them, however indirectly."""
    return with_linked(set(asset_ids), transfer_legs(household_ids), actions_in(household_ids))


def quantities_of(
    asset_ids: Collection[UUID],
    *,
    first_prices: Mapping[UUID, date] | None = None,
    without: Collection[UUID] = (),
) -> dict[UUID, Quantities]:
    """How much of each asset is held on each day: by its transactions if any has a quantity, else Asset.quantity."""
    by_asset = quantities(read_ledger(asset_ids, first_prices=first_prices, without=without))
    return {asset_id: by_asset[asset_id] for asset_id in asset_ids if asset_id in by_asset}


def has_units(asset: Asset) -> bool:
    """Whether units of it are counted: it says a quantity, or transactions or corporate actions gave it some."""
    if asset.quantity is not None or asset.transactions.filter(OF_UNITS).exists():
        return True
    return asset.instrument_id is not None and bool(quantities_of([asset.pk])[asset.pk].days)


# --- the assets ---


def terms_of(asset_ids: Collection[UUID]) -> Iterator[AssetTerms]:
    rows = Asset.objects.filter(pk__among=list(asset_ids)).order_by("pk")
    return (AssetTerms._make(row) for row in rows.values_list(*TERM_COLUMNS))


def actions_in(household_ids: Collection[UUID], without: Collection[UUID] = ()) -> Actions:
    """The actions of the households' instruments. Mostly there are none: one query."""
    held = Asset.objects.filter(portfolio__household__pk__among=list(household_ids)).order_by()
    actions = actions_of(held.values("instrument"), household_ids, without)
    if not any(actions.values()):
        return Actions({}, [])
    holders = [holder for holder in holders_in(household_ids) if holder.asset_id not in without]
    return Actions(actions, holders)


def holders_in(household_ids: Collection[UUID]) -> list[Holder]:
    rows = Asset.objects.filter(portfolio__household__pk__among=list(household_ids), instrument__isnull=False)
    columns = rows.order_by().values_list("pk", "portfolio_id", "instrument_id", "portfolio__household_id")
    return [Holder._make(row) for row in columns]


def asset_events(
    terms: AssetTerms,
    trades: list[Trade],
    actions: Actions,
    method: LotMethod | None,
    first_prices: Mapping[UUID, date],
) -> AssetEvents:
    own_actions = actions.events_of(terms.asset_id)
    events: list[Event] = sorted([*own_actions, *trades], key=event_order) if own_actions else [*trades]
    opening_on = terms.acquired_on
    if opening_on is None:
        opening_on = first_prices.get(terms.instrument_id) if terms.instrument_id else FIRST_DAY
    return AssetEvents(
        terms.asset_id,
        terms.currency,
        events,
        method or terms.method,
        terms.allow_short,
        quantity_units(terms.quantity or Decimal(0)),
        opening_on,
    )


# --- what links them ---


class Actions:
    """The actions of the households' instruments, as events of the assets that hold these."""

    def __init__(self, by_household: Mapping[UUID, list[InstrumentAction]], holders: list[Holder]) -> None:
        of_instrument: dict[tuple[UUID, UUID], list[InstrumentAction]] = {}
        for household_id, rows in by_household.items():
            for row in rows:
                of_instrument.setdefault((household_id, row.instrument_id), []).append(row)
        self._events: dict[UUID, list[Action]] = {}
        for holder in holders:
            for row in of_instrument.get((holder.household_id, holder.instrument_id), ()):
                receiver = (
                    receiving_asset(row, holders, holder.portfolio_id) if row.to_instrument_id else None
                )
                self._events.setdefault(holder.asset_id, []).append(event_of(row, receiver))

    def events_of(self, asset_id: UUID) -> list[Action]:
        return self._events.get(asset_id, [])

    def links(self) -> Iterator[tuple[UUID, UUID]]:
        for asset_id, events in self._events.items():
            for event in events:
                if event.to_asset_id is not None:
                    yield asset_id, event.to_asset_id


class TransferLegs(NamedTuple):
    """The assets of a transfer, by its id; a leg whose asset is gone is missing."""

    by_transfer: dict[UUID, list[UUID]]

    def links(self) -> Iterator[tuple[UUID, UUID]]:
        return ((legs[0], legs[1]) for legs in self.by_transfer.values() if len(legs) == 2)


def transfer_legs(household_ids: Collection[UUID], without: Collection[UUID] = ()) -> TransferLegs:
    rows = Transaction.objects.filter(
        transfer_id__isnull=False, asset__portfolio__household__pk__among=list(household_ids)
    )
    by_transfer: dict[UUID, list[UUID]] = {}
    for pk, transfer_id, asset_id in rows.order_by("id").values_list("id", "transfer_id", "asset_id"):
        if transfer_id is not None and pk not in without and asset_id not in without:
            by_transfer.setdefault(transfer_id, []).append(asset_id)
    return TransferLegs(by_transfer)


def other_assets(transfers: TransferLegs) -> OtherAssets:
    """By transfer and asset of a leg the asset of the other leg."""
    others: dict[tuple[UUID, UUID], UUID] = {}
    for transfer_id, legs in transfers.by_transfer.items():
        if len(legs) == 2:
            others[transfer_id, legs[0]] = legs[1]
            others[transfer_id, legs[1]] = legs[0]
    return others


def with_linked(asset_ids: set[UUID], *sources: TransferLegs | Actions) -> set[UUID]:
    neighbours: dict[UUID, list[UUID]] = {}
    for source in sources:
        for from_asset, to_asset in source.links():
            neighbours.setdefault(from_asset, []).append(to_asset)
            neighbours.setdefault(to_asset, []).append(from_asset)
    linked, waiting = set(asset_ids), list(asset_ids)
    while waiting:
        new = [asset_id for asset_id in neighbours.get(waiting.pop(), ()) if asset_id not in linked]
        linked.update(new)
        waiting += new
    return linked
