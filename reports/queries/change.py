"""Why net worth changed between two days."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from assets import valuation
from assets.models import Asset, AssetSnapshot, Transaction
from assets.rates.store import rate_book
from assets.valuation import AssetRef
from portfolios.models import Portfolio
from reports.calculations.attribution import AssetHistory, Kind, Movement
from reports.calculations.change import Change, change_between
from reports.queries.defaults import common_currency
from reports.queries.groups import Within, by_name, grouping
from strata.fields.currencies import minor_units

TRADES = (Transaction.Type.ACQUIRE, Transaction.Type.DISPOSE)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """The change, its rows by asset or by group; `labels` names their keys and the assets that were left out."""

    group_by: str
    change: Change
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]]


def change_report(
    portfolios: Iterable[Portfolio],
    *,
    start: date,
    end: date,
    currency: str | None = None,
    group_by: str = "asset",
    level: int = 1,
    category: UUID | None = None,
    within: Within | None = None,
) -> ChangeReport:
    """The change after `start` up to the end of `end`, split as reports.calculations.change defines it."""
    portfolios = list(portfolios)
    ids = [portfolio.pk for portfolio in portfolios]
    currency = currency or common_currency(portfolios)
    groups = grouping(portfolios, group_by, level=level, category=category, within=within)
    assets = explained(ids, groups.inside(ids))
    moved = movements(ids, start, end)
    currencies = {currency} | {asset.held.currency for asset in assets.values()}
    currencies |= {movement.currency for one in moved.values() for movement in one}
    change = change_between(
        histories(assets, moved, start, end, currency),
        start=start,
        end=end,
        currency=currency,
        places=minor_units(currency),
        rates=rate_book(currencies, start=start, end=end),
        groups=None if group_by == "asset" else groups.keys_of_assets(ids),
    )
    names = {pk: asset.name for pk, asset in assets.items()}
    labels = (
        by_name({key: names[key] for key in change.rows})
        if group_by == "asset"
        else groups.labels(change.rows)
    )
    left_out = by_name({key: names[key] for key in change.left_out})
    change = replace(change, rows={key: change.rows[key] for key in labels}, left_out=tuple(left_out))
    paths = {key: groups.path(key) for key in change.rows} if group_by == "category" else {}
    return ChangeReport(group_by, change, labels | left_out, paths)


class Explained(NamedTuple):
    """An asset whose change is explained."""

    held: AssetRef
    name: str
    kind: Kind


def explained(portfolio_ids: list[UUID], inside: Container[UUID] | None) -> dict[UUID, Explained]:
    """The portfolios' assets, or those of them that are `inside`."""
    rows = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    columns = ("pk", "currency", "disposed_on", "name", "kind", "asset_type__kind")
    return {
        pk: Explained(AssetRef(pk, currency, disposed_on), name, kind or of_its_type)
        for pk, currency, disposed_on, name, kind, of_its_type in rows.values_list(*columns)
        if inside is None or pk in inside
    }


def histories(
    assets: Mapping[UUID, Explained],
    moved: Mapping[UUID, Sequence[Movement]],
    start: date,
    end: date,
    currency: str,
) -> Iterator[AssetHistory]:
    """All that explains the assets' change, one after the other: the values of all of them are many."""
    held = [asset.held for asset in assets.values()]
    for one, past in valuation.value_series(held, start=start, end=end, reported_in=currency):
        yield AssetHistory(one.id, assets[one.id].kind, past, moved.get(one.id, ()))


def movements(portfolio_ids: list[UUID], start: date, end: date) -> dict[UUID, list[Movement]]:
    """The transactions after `start` up to `end`; of an asset that had no value on the start, trades before too."""
    valued = AssetSnapshot.objects.filter(asset=OuterRef("asset"), on__lte=start)
    early = Q(type__in=TRADES) & ~Exists(valued)
    rows = Transaction.objects.filter(asset__portfolio__in=portfolio_ids, on__lte=end)
    rows = rows.filter(Q(on__gt=start) | early).order_by("on", "position", "id")
    found: dict[UUID, list[Movement]] = {}
    columns = ("asset_id", "type", "on", "currency", "amount", "fee", "tax")
    for asset_id, type_, on, currency, amount, fee, tax in rows.values_list(*columns):
        found.setdefault(asset_id, []).append(Movement(type_, on, currency, amount or Decimal(0), fee, tax))
    return found
