"""Why net worth changed between two days."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from assets import worth
from assets.calculations.valuation import History
from assets.models import Asset, Transaction
from assets.rates_book import rate_book
from portfolios.calculations.attribution import AssetHistory, Movement
from portfolios.calculations.change import Change, change_between
from portfolios.calculations.order import by_name
from portfolios.models import Portfolio
from portfolios.reports.groups import grouping
from portfolios.reports.history import common_currency
from strata.money import minor_units


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """The change, its rows by asset or by group; `labels` names their keys and the assets that were left out."""

    by: str
    change: Change
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]]


def change_report(
    portfolios: Iterable[Portfolio],
    *,
    start: date,
    end: date,
    currency: str | None = None,
    by: str = "asset",
    level: int = 1,
    under: UUID | None = None,
) -> ChangeReport:
    """The change after `start` up to the end of `end`, split as portfolios.calculations.change defines it."""
    portfolios = list(portfolios)
    ids = [portfolio.pk for portfolio in portfolios]
    currency = currency or common_currency(portfolios)
    groups = grouping(portfolios, by, level=level, under=under)
    inside = groups.inside(ids)
    every = asset_histories(ids, start, end, currency)
    assets = [asset for asset in every if inside is None or asset.asset in inside]
    currencies = {currency} | {asset.history.currency for asset in assets}
    currencies |= {movement.currency for asset in assets for movement in asset.movements}
    change = change_between(
        assets,
        start=start,
        end=end,
        currency=currency,
        places=minor_units(currency),
        rates=rate_book(currencies, start=start, end=end),
        groups=None if by == "asset" else groups.keys_of_assets(ids),
    )
    labels = groups.labels(change.rows)
    left_out = by_name(dict(Asset.objects.filter(pk__in=change.left_out).values_list("pk", "name")))
    change = replace(change, rows={key: change.rows[key] for key in labels}, left_out=tuple(left_out))
    paths = {key: groups.path(key) for key in change.rows} if by == "category" else {}
    return ChangeReport(by, change, labels | left_out, paths)


def asset_histories(
    portfolio_ids: list[UUID], start: date, end: date, currency: str
) -> Iterator[AssetHistory]:
    """All that explains the assets' change: their values, and what was bought, sold, earned and paid."""
    past = worth.histories(portfolio_ids, start=start, end=end, reported_in=currency)
    moved = movements(portfolio_ids, start, end, past)
    kinds = Asset.objects.filter(portfolio__in=portfolio_ids).order_by()
    for pk, kind, of_its_type in kinds.values_list("pk", "kind", "asset_type__kind"):
        if pk in past:
            yield AssetHistory(pk, kind or of_its_type, past[pk], moved.get(pk, ()))


def movements(
    portfolio_ids: list[UUID], start: date, end: date, past: Mapping[UUID, History]
) -> dict[UUID, list[Movement]]:
    """The transactions after `start` up to `end`; of an asset whose first value lies between, those before too."""
    new = [pk for pk, history in past.items() if history.days and history.days[0] > start]
    rows = Transaction.objects.filter(asset__portfolio__in=portfolio_ids, on__lte=end)
    rows = rows.filter(Q(on__gt=start) | Q(asset__in=new)).order_by("on", "position", "id")
    found: dict[UUID, list[Movement]] = {}
    columns = ("asset_id", "type", "on", "currency", "amount", "fee", "tax")
    for asset_id, type_, on, currency, amount, fee, tax in rows.values_list(*columns):
        found.setdefault(asset_id, []).append(Movement(type_, on, currency, amount or Decimal(0), fee, tax))
    return found
