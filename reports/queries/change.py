"""Why net worth changed between two days."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Unpack
from uuid import UUID

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from assets import valuation
from assets.models import Asset, Transaction
from assets.rates.store import rate_book
from assets.valuation import REF_COLUMNS, AssetRef, Gap, PriceGap, SeriesReader, ShareChange, ValueSeries
from assets.valuation.series import gaps_of, gaps_on, money
from investments.queries.transfers import acting_assets, moved_values, moved_whole
from portfolios.models import Portfolio
from reports.calculations.attribution import AttributionKind, CashFlow, CashFlowType, ExplainedAsset
from reports.calculations.change import NetWorthChange, change_between
from reports.queries.defaults import common_currency
from reports.queries.groups import Grouping, Narrowing, grouping
from strata.fields.currencies import minor_units

TRADES = (Transaction.Type.ACQUIRE, Transaction.Type.DISPOSE, Transaction.Type.TRANSFER)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """The change, with rows by asset or by group; `labels` names their keys and the assets left out."""

    group_by: str
    change: NetWorthChange
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]]


def change_report(
    portfolios: Iterable[Portfolio],
    *,
    start: date,
    end: date,
    currency: str | None = None,
    group_by: str = "asset",
    read_series: SeriesReader = valuation.value_series,
    **narrowing: Unpack[Narrowing],
) -> ChangeReport:
    """The change after `start` up to the end of `end`, split as reports.calculations.change defines it.

    Of the assets that count in net worth; of all with `include_all`. `read_series` reads the values.
    """
    portfolios = list(portfolios)
    ids = [portfolio.pk for portfolio in portfolios]
    currency = currency or common_currency(portfolios)
    groups = grouping(portfolios, group_by, **narrowing)
    assets = asset_rows(ids, groups.matching_assets(ids), include_all=groups.include_all)
    flows_by_asset = with_known_flows(cash_flows(ids, start, end), assets, start, end)
    refs = [asset.ref for asset in assets.values()]
    share_changes = valuation.share_changes(refs, start=start, end=end)
    all_series = read_series(refs, start=start, end=end, reported_in=currency)
    gaps: list[Gap] = []
    change = change_between(
        explained(assets, flows_by_asset, share_changes, with_both_values(all_series, start, end, gaps)),
        start=start,
        end=end,
        currency=currency,
        places=minor_units(currency),
        rates=rate_book(
            {currency} | currencies_of(assets, flows_by_asset), start=start, end=end, portfolios=portfolios
        ),
        groups=None if group_by == "asset" else groups.keys_of_assets(ids),
    )
    change = replace(
        change,
        left_out=(*change.left_out, *(gap.asset_id for gap in gaps)),
        missing_prices=price_gaps_of(gaps, start, end),
    )
    return with_names(change, groups, assets)


def currencies_of(
    assets: Mapping[UUID, AssetRow], flows_by_asset: Mapping[UUID, Sequence[CashFlow]]
) -> set[str]:
    """Those of the assets and of their flows."""
    of_flows = {flow.currency for pk, flows in flows_by_asset.items() if pk in assets for flow in flows}
    return of_flows | {asset.ref.currency for asset in assets.values()}


def with_names(change: NetWorthChange, groups: Grouping, assets: Mapping[Any, AssetRow]) -> ChangeReport:
    """The report of the change, its rows and the assets left out by their names."""
    group_by = str(groups.group_by)
    is_by_asset, is_by_category = group_by == "asset", group_by == "category"
    labels = names_in_order(change.rows, assets) if is_by_asset else groups.labels(change.rows)
    left_out = names_in_order(change.left_out, assets)
    change = replace(change, rows={key: change.rows[key] for key in labels}, left_out=tuple(left_out))
    paths = {key: groups.path(key) for key in change.rows} if is_by_category else {}
    return ChangeReport(group_by, change, labels | left_out, paths)


def names_in_order(keys: Iterable[Any], assets: Mapping[Any, AssetRow]) -> dict[Hashable, str]:
    """The names of these assets, as by_name has them. Their keys are stored, so they need not be made again."""
    ordered = sorted(keys, key=lambda pk: (assets[pk].name_key, str(pk)))
    return {pk: assets[pk].name for pk in ordered}


class AssetRow(NamedTuple):
    """What a change report needs of an asset, besides its values."""

    ref: AssetRef
    name: str
    name_key: str
    kind: AttributionKind


def asset_rows(
    portfolio_ids: list[UUID], matching: Container[UUID] | None, *, include_all: bool
) -> dict[UUID, AssetRow]:
    """The portfolios' assets that count, or all; if `matching` is given, only those in it."""
    rows = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    rows = rows if include_all else rows.filter(counts_in_net_worth=True)
    columns = (*REF_COLUMNS, "name", "name_key", "kind", "asset_type__kind")
    return {
        ref[0]: AssetRow(AssetRef(*ref), name, name_key, kind or type_kind)
        for *ref, name, name_key, kind, type_kind in rows.values_list(*columns)
        if matching is None or ref[0] in matching
    }


def explained(
    assets: Mapping[UUID, AssetRow],
    flows_by_asset: Mapping[UUID, Sequence[CashFlow]],
    changes: Mapping[UUID, Sequence[ShareChange]],
    all_series: Iterable[tuple[AssetRef, ValueSeries]],
) -> Iterator[ExplainedAsset]:
    """What explains each asset's change. A generator, because all values together would need much memory."""
    for ref, history in all_series:
        flows, shares = flows_by_asset.get(ref.id, ()), changes.get(ref.id, ())
        if flows and valuation.has_market_price(ref.source):
            flows = with_early_trades(flows, history)
        yield ExplainedAsset(ref.id, assets[ref.id].kind, history.without_gaps(), flows, shares)


def with_early_trades(flows: Sequence[CashFlow], history: ValueSeries) -> list[CashFlow]:
    """At a market price, units that are sold on the day on which they were bought never have a value. In a gap there is
    one, which is only not known yet: a trade counts when it is.
    """
    begins_on = history.days[0] if history.days else date.max
    return [flow._replace(is_early=flow.on < begins_on) for flow in flows]


def with_both_values(
    all_series: Iterable[tuple[AssetRef, ValueSeries]], start: date, end: date, gaps: list[Gap]
) -> Iterator[tuple[AssetRef, ValueSeries]]:
    """The series. Those of assets that have none on one of the two days are left out: an asset without a
    price there would look like a gain or a loss. Their gaps are added to `gaps`. A gap in between changes nothing.
    """
    days = sorted({start, end})
    for ref, history in all_series:
        if not history.has_gaps:
            yield ref, history
        elif at_the_ends := gaps_on(gaps_of(ref.id, history), days):
            gaps += at_the_ends
        else:
            yield ref, history


def price_gaps_of(gaps: list[Gap], start: date, end: date) -> tuple[PriceGap, ...]:
    by_day = valuation.price_gaps(gaps, sorted({start, end}))
    return tuple(gap for of_day in by_day.values() for gap in of_day)


def with_known_flows(
    recorded: dict[UUID, list[CashFlow]], assets: Mapping[UUID, AssetRow], start: date, end: date
) -> dict[UUID, list[CashFlow]]:
    """The recorded flows, and those that follow from what the assets are valued by: the interest of loans.

    None on a day for which somebody has recorded the same. None from the disposal on: a loan that is paid back on the
    day of a payment needs none, but one that moves whole does so after the payment of the day.
    """

    valuations = {pk: asset.ref.source for pk, asset in assets.items()}
    known_flows = valuation.known_flows(valuations, start, end)
    last_days = {pk: assets[pk].ref.disposed_on for pk in known_flows}
    paid_then = [pk for pk, flows in known_flows.items() if any(flow.on == last_days[pk] for flow in flows)]
    moved = moved_whole(paid_then)
    for pk, flows in known_flows.items():
        of_asset = recorded.setdefault(pk, [])
        known = {(str(flow.type), flow.on) for flow in of_asset}
        ends = last_days[pk] or date.max
        for flow in flows:
            type_: CashFlowType = "INCOME" if flow.is_income else "EXPENSE"
            counts = flow.on < ends or (pk in moved and flow.on == ends)
            if counts and (type_, flow.on) not in known:
                of_asset.append(CashFlow(type_, flow.on, assets[pk].ref.currency, money(flow.amount)))
    return recorded


def cash_flows(portfolio_ids: list[UUID], start: date, end: date) -> dict[UUID, list[CashFlow]]:
    """The transactions after `start` up to `end`; also earlier trades of an asset without a value on `start`.

    The legs of a transfer are a sale of the one asset and a purchase of the other, of what it moves; so are those of a
    corporate action. Income in kind is paid out, and buys at once.
    """
    rows = Transaction.objects.filter(asset__portfolio__in=portfolio_ids, on__lte=end)
    rows = rows.filter(Q(on__gt=start) | Q(type__in=TRADES, asset__in=valued_later(portfolio_ids, start)))
    rows = rows.order_by("on", "position", "id")
    by_asset: dict[UUID, list[CashFlow]] = {}
    moved_on: dict[UUID, set[date]] = {}
    columns = ("asset_id", "id", "transfer_id", "quantity", "type", "on", "currency", "amount", "fee", "tax")
    for asset_id, pk, transfer_id, quantity, type_, *columns_of_flow in rows.values_list(*columns):
        on, currency, amount, fee, tax = columns_of_flow
        if transfer_id is not None and quantity is not None:
            moved_on.setdefault(asset_id, set()).add(on)
            continue
        if transfer_id is not None:  # it is the id of the leg out
            type_ = Transaction.Type.DISPOSE if transfer_id == pk else Transaction.Type.ACQUIRE
        flow = CashFlow(
            type_, on, currency, amount or Decimal(0), fee, tax, moves_whole=transfer_id is not None
        )
        flows = by_asset.setdefault(asset_id, [])
        flows.append(flow)
        if type_ == Transaction.Type.INCOME and quantity:
            flows.append(CashFlow("ACQUIRE", on, currency, flow.amount))
    for asset_id, flow in flows_of_moves(portfolio_ids, moved_on, start, end):
        by_asset.setdefault(asset_id, []).append(flow)
    return by_asset


def valued_later(portfolio_ids: list[UUID], start: date) -> QuerySet[Asset, Any]:
    """The assets with transactions up to `start` whose first value is after it, or that have none.

    A query of its own, because PostgreSQL may look up the first value of each transaction of all households otherwise.
    """
    assets = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    is_known = Exists(Transaction.objects.filter(asset=OuterRef("pk"), on__lte=start))
    first_value = Coalesce("first_value_on", Value(date.max))
    rows = valuation.with_first_value(assets).alias(valued_from=Case(When(is_known, then=first_value)))
    return rows.filter(valued_from__gt=start).values("pk")


def flows_of_moves(
    portfolio_ids: list[UUID], moved_on: Mapping[UUID, set[date]], start: date, end: date
) -> Iterator[tuple[UUID, CashFlow]]:
    """What moved on the days of transfers, and by corporate actions after `start`. Without any nothing is read."""
    acting = acting_assets(portfolio_ids, start, end)
    if not (moved_on or acting):
        return
    first = min([start, *map(min, moved_on.values())])
    for asset_id, moved in moved_values(moved_on.keys() | acting, first, end).items():
        days = moved_on.get(asset_id, ())
        for on, amount, currency in moved:
            if on > start or on in days:
                type_: CashFlowType = "DISPOSE" if amount < 0 else "ACQUIRE"
                yield asset_id, CashFlow(type_, on, currency, money(abs(amount)))
