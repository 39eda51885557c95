"""Reads what happened to assets, and what is needed of the assets themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Coalesce, NullIf

from assets import valuation
from assets.holdings.events import (
    AssetEvents,
    Ledger,
    LotMethod,
    Trade,
    TradeType,
    event_order,
    quantity_units,
)
from assets.models import Asset, Transaction
from assets.valuation import AssetRef
from assets.valuation.series import ten_thousandths

BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class InvestedAsset:
    """What calculations need of an asset, besides its events and values. `quantity` counts where no trade has one."""

    id: UUID
    name: str
    currency: str
    kind: str
    portfolio_id: UUID
    quantity: Decimal | None
    acquired_on: date | None
    disposed_on: date | None
    first_value_on: date | None
    valuation: str
    own_method: str | None
    portfolio_method: str | None
    household_method: str | None
    allow_short: bool

    @property
    def ref(self) -> AssetRef:
        return AssetRef(self.id, self.currency, self.valuation, self.disposed_on)

    @property
    def method(self) -> LotMethod:
        return LotMethod(self.own_method or self.portfolio_method or self.household_method or LotMethod.FIFO)

    @property
    def is_balance(self) -> bool:
        return self.kind == BALANCE


COLUMNS = (
    *("pk", "name", "currency", "counted_as", "portfolio_id"),
    *("quantity", "acquired_on", "disposed_on", "first_value_on", "valuation", "lot_method"),
    *("portfolio__lot_method", "portfolio__household__lot_method", "portfolio__allow_short"),
)


def invested_assets(
    portfolio_ids: Collection[UUID],
    only_assets: Collection[UUID] | None = None,
    *,
    include_all: bool = False,
) -> dict[UUID, InvestedAsset]:
    """The portfolios' assets that count in net worth, or all, by name; with `only_assets` no others."""
    rows = Asset.objects.filter(portfolio__in=portfolio_ids)
    rows = rows if include_all else rows.filter(counts_in_net_worth=True)
    counted_as = Coalesce(NullIf("kind", Value("")), "asset_type__kind")
    rows = valuation.with_first_value(rows).annotate(counted_as=counted_as)
    assets = (InvestedAsset(*row) for row in rows.order_by("name_key", "pk").values_list(*COLUMNS))
    return {asset.id: asset for asset in assets if only_assets is None or asset.id in only_assets}


TRADE_COLUMNS = (
    *("asset_id", "id", "type", "on", "occurred_at", "position", "currency"),
    *("quantity", "amount", "fee", "tax"),
)


def ledger_of(assets: Iterable[InvestedAsset]) -> Ledger:
    """The events of the assets, and of all that are linked to them."""
    by_id = {asset.id: asset for asset in assets}
    events: dict[UUID, list[Trade]] = {pk: [] for pk in by_id}
    rows = Transaction.objects.filter(asset__in=list(by_id)).order_by("on", "occurred_at", "position", "id")
    for asset_id, *row in rows.values_list(*TRADE_COLUMNS):
        events[asset_id].append(trade_of(*row, closes_on=by_id[asset_id].disposed_on))
    return {
        pk: AssetEvents(
            pk,
            asset.currency,
            events[pk],
            asset.method,
            asset.allow_short,
            opening_quantity=0 if asset.quantity is None else quantity_units(asset.quantity),
            opening_on=asset.acquired_on or asset.first_value_on,
        )
        for pk, asset in by_id.items()
    }


def trade_of(
    pk: UUID,
    kind: str,
    on: date,
    at: datetime,
    position: int,
    currency: str,
    quantity: Decimal | None,
    *amounts: Decimal | None,
    closes_on: date | None,
) -> Trade:
    units = None if quantity is None else quantity_units(quantity)
    amount, fee, tax = (ten_thousandths(number or 0) for number in amounts)
    closes = kind == TradeType.DISPOSE and closes_on == on
    return Trade(pk, TradeType(kind), on, at, position, currency, units, amount, fee, tax, closes=closes)


def with_known_flows(
    ledger: Ledger, assets: Mapping[UUID, InvestedAsset], start: date, end: date
) -> dict[UUID, AssetEvents]:
    """The events, with the income and expenses that follow from what assets are valued by: the interest of loans.

    As in the report of change: none on a day for which the same is recorded, and none from the disposal on.
    """
    valuations = {pk: asset.valuation for pk, asset in assets.items() if asset.valuation != valuation.MANUAL}
    explained = dict(ledger)
    for pk, flows in valuation.known_flows(valuations, start, end).items():
        recorded = [event for event in ledger[pk].events if isinstance(event, Trade)]
        known = {(event.type, event.on) for event in recorded}
        ends = assets[pk].disposed_on or date.max
        added = []
        for flow in flows:
            kind = TradeType.INCOME if flow.is_income else TradeType.EXPENSE
            if (kind, flow.on) not in known and flow.on < ends:
                at = datetime(flow.on.year, flow.on.month, flow.on.day, 12, tzinfo=UTC)
                added.append(Trade(pk, kind, flow.on, at, 0, assets[pk].currency, amount=flow.amount))
        events = sorted([*ledger[pk].events, *added], key=event_order)
        explained[pk] = ledger[pk]._replace(events=events)
    return explained
