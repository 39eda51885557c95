"""Reads what happened to assets, and what is needed of the assets themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import attrgetter
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Coalesce, NullIf

from assets import valuation
from assets.holdings.events import (
    Ledger,
    Trade,
    TradeType,
    event_order,
)
from assets.holdings.reading import read_ledger
from assets.models import Asset
from assets.valuation import AssetRef

BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class InvestedAsset:
    """What calculations need of an asset, besides its events and values."""

    id: UUID
    name: str
    currency: str
    kind: str
    portfolio_id: UUID
    acquired_on: date | None
    disposed_on: date | None
    first_value_on: date | None
    valuation: str
    shares: str

    @property
    def ref(self) -> AssetRef:
        return AssetRef(self.id, self.currency, self.valuation, self.shares, self.disposed_on)

    @property
    def is_balance(self) -> bool:
        return self.kind == BALANCE


COLUMNS = (
    *("pk", "name", "currency", "counted_as", "portfolio_id"),
    *("acquired_on", "disposed_on", "first_value_on", "valuation", "shares"),
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


def ledger_of(assets: Iterable[InvestedAsset]) -> Ledger:
    """The events of the assets, and of all that are linked to them; also Asset.quantity, from the first value on."""
    rows = list(assets)
    ledger = dict(read_ledger([asset.id for asset in rows]))
    for asset in rows:
        events = ledger[asset.id]
        opening_on = asset.acquired_on or asset.first_value_on
        if events.opening_quantity and events.opening_on != opening_on:
            ledger[asset.id] = events._replace(opening_on=opening_on)
    return ledger


def first_trades(ledger: Ledger) -> tuple[date | None, set[str]]:
    """The day of the oldest trade, None without any, and the currencies of all trades."""
    days: list[date] = []
    currencies: set[str] = set()
    for asset in ledger.values():
        trades = [event for event in asset.events if type(event) is Trade]
        if trades:
            days.append(trades[0].on)  # they are in the order of days
            currencies.update(map(attrgetter("currency"), trades))
    return min(days, default=None), currencies


def with_known_flows(ledger: Ledger, assets: Mapping[UUID, InvestedAsset], start: date, end: date) -> Ledger:
    """The events, with the income and expenses that follow from what assets are valued by: the interest of loans.

    As in the report of change: none on a day for which the same is recorded, and none from the disposal on. A
    loan that moves whole does so after the payment of the day.
    """
    valuations = {pk: asset.ref.source for pk, asset in assets.items()}
    known_flows = valuation.known_flows(valuations, start, end)
    if not known_flows:
        return ledger
    explained = dict(ledger)
    for pk, flows in known_flows.items():
        recorded = [event for event in ledger[pk].events if isinstance(event, Trade)]
        known = {(event.type, event.on) for event in recorded}
        ends = assets[pk].disposed_on or date.max
        moves_on = {trade.on for trade in recorded if trade.closes and trade.type is TradeType.TRANSFER}
        added = []
        for flow in flows:
            kind = TradeType.INCOME if flow.is_income else TradeType.EXPENSE
            if (kind, flow.on) not in known and (flow.on < ends or flow.on in moves_on):
                at = datetime(flow.on.year, flow.on.month, flow.on.day, 12, tzinfo=UTC)
                added.append(Trade(pk, kind, flow.on, at, 0, assets[pk].currency, amount=flow.amount))
        events = sorted([*ledger[pk].events, *added], key=event_order)
        explained[pk] = ledger[pk]._replace(events=events)
    return explained


def refs_of(asset_ids: Collection[UUID]) -> list[AssetRef]:
    """Assets that are linked to those of a report, and not in it; without any nothing is read."""
    if not asset_ids:
        return []
    rows = Asset.objects.filter(pk__in=asset_ids).order_by()
    return [AssetRef(*row) for row in rows.values_list(*valuation.REF_COLUMNS)]
