"""How what is owned is spread on a day, and how far that is from the targets."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Unpack
from uuid import UUID

from django.db.models import Q

from assets import valuation
from assets.rates.store import rate_book_on
from assets.valuation import PriceGap, SeriesReader
from assets.valuation.series import Totals
from portfolios.models import Portfolio
from reports.calculations.allocation import Allocation, Position, Slice, allocation
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from reports.queries.defaults import common_currency, latest_today
from reports.queries.groups import Grouping, Narrowing, grouping
from strata.fields.currencies import minor_units


@dataclass(frozen=True, slots=True)
class AllocationReport:
    """The allocation; for each group its name, its path from the top, and the parameters that drill down into it."""

    group_by: str
    allocation: Allocation
    labels: Mapping[Hashable, str]
    paths: Mapping[Hashable, list[str]] = field(default_factory=dict)
    drill_down: Mapping[Hashable, dict[str, Any]] = field(default_factory=dict)


def allocation_on(
    portfolios: Iterable[Portfolio],
    *,
    on: date | None = None,
    group_by: str = "type",
    currency: str | None = None,
    **narrowing: Unpack[Narrowing],
) -> AllocationReport:
    """The portfolios' allocation on a day (default: today), with the targets that apply to it.

    Of the assets that count in net worth; of all with `include_all`.
    """
    portfolios = list(portfolios)
    (report,) = allocations_on(
        portfolios,
        [on or latest_today(portfolios)],
        group_by=group_by,
        currency=currency,
        **narrowing,
    )
    return report


def allocations_on(
    portfolios: Iterable[Portfolio],
    days: Sequence[date],
    *,
    group_by: str = "type",
    currency: str | None = None,
    read_series: SeriesReader | None = None,
    **narrowing: Unpack[Narrowing],
) -> list[AllocationReport]:
    """The allocation on each of the days (each once, ascending); `read_series` reads the values, if it is given."""
    portfolios = list(portfolios)
    currency = currency or common_currency(portfolios)
    groups = grouping(portfolios, group_by, **narrowing)
    ids = [portfolio.pk for portfolio in portfolios]
    totals = groups.totals(ids, days, liquid_apart=True, read_series=read_series)
    currencies = {currency, *(code for _, code in totals.columns)}
    rates, targets = rate_book_on(currencies, days, portfolios=portfolios), targets_of(portfolios, groups)
    by_day = [
        allocation(
            positions(totals, number),
            on=on,
            currency=currency,
            places=minor_units(currency),
            rates=rates,
            targets=targets,
        )
        for number, on in enumerate(days)
    ]
    labels = groups.labels({key for calculated in by_day for key in keys_of(calculated)})
    missing = valuation.price_gaps(totals.gaps, days)
    return [
        report_of(calculated, groups, labels, portfolios, missing.get(calculated.on, ()))
        for calculated in by_day
    ]


def keys_of(calculated: Allocation) -> set[Hashable]:
    return {slice_.key for slice_ in (*calculated.asset_groups, *calculated.liability_groups)}


def report_of(
    calculated: Allocation,
    groups: Grouping,
    names: Mapping[Hashable, str],
    portfolios: Collection[Portfolio],
    missing_prices: tuple[PriceGap, ...],
) -> AllocationReport:
    """`names` has the groups of the allocation, and perhaps others, in the order in which they are shown."""
    keys, group_by = keys_of(calculated), str(groups.group_by)
    labels = {key: name for key, name in names.items() if key in keys}
    calculated = replace(
        calculated,
        asset_groups=in_order(calculated.asset_groups, labels),
        liability_groups=in_order(calculated.liability_groups, labels),
        missing_prices=missing_prices,
    )
    paths = {key: groups.path(key) for key in keys} if group_by == "category" else {}
    drill_down = {} if group_by == "asset" else {key: drill_down_of(key, groups, portfolios) for key in keys}
    return AllocationReport(group_by, calculated, labels, paths, drill_down)


def in_order(slices: Iterable[Slice], labels: Mapping[Hashable, str]) -> tuple[Slice, ...]:
    """The largest first, owned or owed; equal values are ordered by name."""
    places = {key: place for place, key in enumerate(labels)}
    return tuple(sorted(slices, key=lambda slice_: (-abs(slice_.value), places[slice_.key])))


def positions(totals: Totals, number: int) -> Iterable[Position]:
    """What is owned and what is owed in each column on a day, by its number, as separate positions. Columns of liquid
    assets are kept apart.
    """
    for ((is_liquid, *keys), currency), column in totals.columns.items():
        for value in (column.owned[number], column.owed[number]):
            if value:
                yield Position(tuple(keys), currency, value, liquid=bool(is_liquid))


def drill_down_of(key: Hashable, groups: Grouping, portfolios: Collection[Portfolio]) -> dict[str, Any]:
    """The parameters that show what a group is made of: the groups below it, or else its assets."""
    match groups.group_by:
        case "group":
            return {"group_by": "type", "group": key}
        case "liquidity":
            return {"group_by": "type", "liquidity": key}
        case "portfolio":
            return {"group_by": "type", "portfolio": key} if len(portfolios) > 1 else {"group_by": "type"}
        case "category":
            opens = key is not None and key != groups.category and groups.tree.has_children(key)
            return {"group_by": "category" if opens else "asset", "category": key}
        case "currency":
            return {"group_by": "asset", "asset_currency": key}
    return {"group_by": "asset", str(groups.group_by): key}


def targets_of(portfolios: list[Portfolio], groups: Grouping) -> dict[Hashable, Decimal]:
    """The portfolio's own targets for the groups; if it has none, or for several portfolios, those of the household.

    A category's target is a share of the category above it: so there are none on deeper levels, or across households.
    Other targets are shares of the whole: so there are none if a filter leaves only a part. Assets that do not count
    have none.
    """
    households = {portfolio.household_id for portfolio in portfolios}
    if groups.group_by not in GROUPS or groups.level > 1 or groups.asset_filter or len(households) != 1:
        return {}
    field = GROUPS[groups.group_by]
    rows = AllocationTarget.objects.filter(household__in=households, **{f"{field}__isnull": False})
    if groups.group_by == "asset":
        rows = rows.of_their_household()
        rows = rows if groups.include_all else rows.filter(asset__counts_in_net_worth=True)
    if groups.group_by == "category":
        rows = rows.filter(category__parent=groups.category)
    elif groups.category is not None:
        return {}
    own = portfolios[0].pk if len(portfolios) == 1 else None
    by_portfolio: dict[UUID | None, dict[Hashable, Decimal]] = {}
    for row in rows.filter(Q(portfolio=None) | Q(portfolio=own)):
        by_portfolio.setdefault(row.portfolio_id, {})[row.key] = row.share
    return by_portfolio.get(own) or by_portfolio.get(None, {})
