"""The statement of net worth of a portfolio on a day."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date
from functools import partial
from typing import cast
from uuid import UUID

from django.db.models import Q

from assets import valuation
from assets.models import Asset
from assets.models.classification import Group
from assets.services.asset_order import asset_order
from assets.valuation import AssetRef, NewestPoint, SeriesReader
from portfolios.models import Portfolio
from reports.calculations.statement import Holding, Statement, statement
from reports.queries.allocation import allocations_on

COLUMNS = (
    "pk",
    "name",
    "asset_type__group",
    "currency",
    "current_value",
    "current_value_on",
    "counts_in_net_worth",
)
REF = ("valuation", "shares", "disposed_on")


def statement_on(portfolios: Sequence[Portfolio], on: date, *, currency: str | None = None) -> Statement:
    """The figures are those of net worth and allocation on the day."""
    return statement_of(holdings(portfolios, on), portfolios, on, currency=currency)


def statement_of(
    rows: Sequence[Holding],
    portfolios: Sequence[Portfolio],
    on: date,
    *,
    currency: str | None = None,
    read_series: SeriesReader | None = None,
) -> Statement:
    """The same of `holdings` that were read; `read_series` reads the values of the allocation, if it is given."""
    allocations = partial(
        allocations_on, portfolios, [on], group_by="asset", currency=currency, read_series=read_series
    )
    (by_asset,), with_all = allocations(), None
    if not all(row.is_counted for row in rows):
        (report,) = allocations(include_all=True)
        with_all = report.allocation
    return statement(rows, by_asset.allocation, debts=Group.LIABILITIES, with_all=with_all)


def with_point(row: Holding, point: NewestPoint | None) -> Holding:
    return row if point is None else row._replace(value=point.value, value_on=point.on)


def holdings(portfolios: Sequence[Portfolio], on: date) -> list[Holding]:
    """The assets that are there on the day, by class, in the order of a single portfolio and then by name.

    An asset whose first value is of a later day is not there yet; one without any value is.
    """
    existing = Asset.objects.filter(Q(disposed_on=None) | Q(disposed_on__gt=on), portfolio__in=portfolios)
    assets = valuation.with_first_value(valuation.with_current_value(existing, on))
    rows = assets.order_by("name_key", "pk").values_list(*COLUMNS, *REF, "first_value_on")
    read: list[Holding] = []
    others: dict[AssetRef, date] = {}
    for *row, valued_by, shares, disposed_on, first_on in rows:
        if first_on is None or first_on <= on:
            read.append(Holding(*row))
            ref = AssetRef(row[0], row[3], valued_by, shares, disposed_on)
            if not ref.is_by_hand:
                others[ref] = on
    points = valuation.newest_points(others)
    read = [with_point(row, points.get(cast("UUID", row.id))) for row in read]
    places = {group: place for place, group in enumerate(Group.values)}
    order = asset_order(portfolios[0].pk) if len(portfolios) == 1 else ()
    own: dict[Hashable, int] = {pk: place for place, pk in enumerate(order)}
    return sorted(read, key=lambda row: (places[row.group], own.get(row.id, len(own))))
